// An SMTP server on loopback that does what its character says: one listening socket, one thread a connection.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/receiver/behaviour.h"
#include "tests/unit/relay/wire.h"

namespace receiver {

/// What is known when something is to be answered.
struct Moment {
  Step step = Step::greeting;
  std::string line;            ///< the command
  std::size_t connection = 0;  ///< 1 is the first
  std::size_t messages = 0;    ///< taken over this connection before
  std::size_t open = 0;        ///< connections, this one counted in
  bool tls = false;
};

/// What is done instead of the usual; asked for one moment after the other.
using Character = std::function<std::optional<Deed>(const Moment&)>;
/// Does each deed when its step comes, the first of those that are left.
Character doing(std::vector<Deed> deeds);

/// A message that came with its final dot and was not refused; the other side may not know that.
struct Arrival {
  std::string mail;                ///< the command
  std::vector<std::string> rcpts;  ///< the commands that were taken
  std::string content;             ///< without dot-stuffing
  bool tls = false;
  std::chrono::steady_clock::time_point when;
};

struct Place {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one
  Door door = Door::opens;
  bool implicit_tls = false;
};

/// Whether we may listen at port 465 here.
bool may_listen_at_465();

class Receiver {
 public:
  Receiver(Character character, std::string offers, TlsServer tls, Place place = {});
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::uint16_t port() const { return port_; }
  std::vector<Arrival> arrivals() const;
  std::size_t arrived() const;
  std::size_t connections() const;
  /// Every command in the order in which they came.
  std::vector<std::string> commands() const;

 private:
  struct Talk {
    explicit Talk(int socket) : descriptor(socket), wire(socket) {}
    int descriptor;
    world::Wire wire;
    std::thread thread;
    Moment moment;
    Arrival arrival;
    std::string reply;  ///< the last one
  };

  void listen(const Place& place);
  void stay_shut();
  void accept();
  void converse(Talk& talk);
  std::optional<Deed> ask(Talk& talk, Step step);
  bool answer(Talk& talk, Step step, const std::string& usual);
  bool perform(Talk& talk, const Deed& deed);
  bool take_command(Talk& talk);
  bool take_login(Talk& talk);
  bool take_envelope(Talk& talk, const std::string& verb);
  bool take_content(Talk& talk);
  bool take_chunk(Talk& talk);
  bool take_message(Talk& talk);
  bool shake_hands(Talk& talk);
  void drip(Talk& talk, const std::string& words);
  void wait(std::chrono::milliseconds time);
  std::string ehlo_reply(bool tls) const;

  Character character_;
  std::string offers_;
  TlsServer tls_;
  bool implicit_tls_;
  std::uint16_t port_ = 0;
  base::Fd listener_;
  std::vector<base::Fd> crowd_;  ///< connections of our own that fill the queue of a door that stalls
  mutable std::mutex mutex_;
  std::condition_variable ends_;
  bool ended_ = false;
  std::size_t open_ = 0;
  std::vector<Arrival> arrivals_;
  std::vector<std::string> commands_;
  std::list<Talk> talks_;
  std::thread thread_;
};

}  // namespace receiver
