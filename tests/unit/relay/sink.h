// A scripted receiver: an SMTP server on a loopback address whose every answer a test may choose.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/relay/wire.h"

namespace world {

/// What the relay said to a sink, when its script is asked for the answer.
struct Said {
  std::string verb;  ///< "greeting" (nothing was said yet), EHLO, STARTTLS, MAIL, RCPT, DATA, "dot", BDAT (its chunk was read),
                     ///< RSET, QUIT
  std::string line;  ///< the command
  std::size_t connection = 0;  ///< 1 is the first
  std::size_t message = 0;     ///< that were taken on this connection before
  bool tls = false;
};

/// In the place of a reply.
inline constexpr const char* hang_up = "hang up";  ///< closes without a word
inline constexpr const char* stall = "stall";      ///< says nothing until the other side closes

/// A message that the sink has answered with 2xx.
struct Arrival {
  std::string mail;                ///< the MAIL command
  std::vector<std::string> rcpts;  ///< the RCPT commands that were taken
  std::string content;             ///< without dot-stuffing
  std::size_t connection = 0;
  bool tls = false;
  std::string peer;  ///< the relay's address
  std::chrono::steady_clock::time_point when;
};

class Sink {
 public:
  /// The answer, or nothing for the usual one. A 421 closes the connection. Called on the sink's threads.
  using Script = std::function<std::optional<std::string>(const Said&)>;
  enum class Tls : std::uint8_t { none, works, breaks, implicit };

  explicit Sink(std::string address = "127.0.0.1", std::uint16_t port = 0);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void script(Script script);
  /// Hangs up on everybody and listens no more.
  void end();
  /// STARTTLS in the reply to EHLO from now on. "breaks": what follows its 220 is not TLS. "implicit": TLS from the first octet.
  void offer_tls(Tls tls);
  /// With offer_tls(): for mx.example.net, signed by itself, as PEM.
  std::string certificate() const;
  /// A keyword more in the reply to EHLO.
  void offer(std::string keyword);
  void offer_no_pipelining();
  /// MAIL is answered only once the whole transaction up to DATA has come.
  void wait_for_pipelined_data();

  const std::string& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  std::vector<Arrival> arrivals() const;
  /// Every command, and "." for each final dot, in the order in which they came.
  std::vector<std::string> commands() const;
  std::size_t count_of(std::string_view beginning) const;
  std::size_t connections() const;
  bool receives(std::size_t messages) const;

 private:
  struct Conversation {
    explicit Conversation(int descriptor) : wire(descriptor) {}
    Wire wire;
    std::thread thread;
    Said said;
    Arrival arrival;
  };

  void accept();
  void converse(Conversation& talk);
  std::optional<std::string> decide(Conversation& talk, std::string usual);
  bool answer(Conversation& talk, std::string usual);
  bool take_command(Conversation& talk);
  bool take_content(Conversation& talk);
  bool take_chunk(Conversation& talk);
  bool judge(Conversation& talk);
  bool shake_hands(Conversation& talk);
  std::string ehlo_reply(const Conversation& talk) const;

  std::string address_;
  std::uint16_t port_ = 0;
  base::Fd listener_;
  std::shared_ptr<void> certificate_;  // an SSL_CTX
  mutable std::mutex mutex_;
  Script script_;
  Tls tls_ = Tls::none;
  std::vector<std::string> keywords_;
  bool pipelining_ = true;
  bool wait_for_data_ = false;
  bool ended_ = false;
  std::vector<Arrival> arrivals_;
  std::vector<std::string> commands_;
  std::list<Conversation> talks_;
  std::thread thread_;
};

}  // namespace world
