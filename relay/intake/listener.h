// The doors: a listening socket for each [[listen]], limits counted there, a Session for everyone who may come in.
#pragma once

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <list>
#include <memory>
#include <vector>

#include "relay/intake/gate.h"
#include "relay/intake/session.h"

namespace relay::intake {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

class Listener {
 public:
  explicit Listener(IntakeContext context) : context_(std::move(context)), gate_(context_.limits) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Binds every [[listen]]; Kind::invalid names the address that could not be had.
  base::Result<void> open(const conf::Config& config);
  /// Starts to accept.
  void run();
  /// No more connections; sessions end with 421 as soon as nothing is under way in them.
  void stop();
  /// Where we listen: with port 0 in the configuration the port that the system gave.
  std::vector<base::Endpoint> addresses() const;
  std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Door {
    conf::Listen listen;
    Acceptor acceptor;
  };

  /// What one kind of refusal at the door has been told of: the first of a minute by itself, the others by their number.
  struct Refusals {
    std::uint64_t untold = 0;
    bool counting = false;
  };

  Task<void> accept_at(Door& door);
  void receive(Socket socket, const conf::Listen& listen);
  Task<void> receive_proxied(Socket socket, conf::Listen listen);
  void admit(Socket socket, const base::IpAddress& client, const conf::Listen& listen);
  Task<void> serve(Socket socket, base::IpAddress client, conf::Listen listen);
  Task<void> turn_away(Socket socket, base::IpAddress client, conf::ListenTls tls, Verdict verdict);
  void tell(Verdict verdict, const base::IpAddress& client, const mail::Reply& reply);
  Task<void> sum_up(Verdict verdict, mail::Reply reply);

  IntakeContext context_;
  std::list<Door> doors_;
  std::list<Session*> sessions_;
  Gate gate_;
  std::array<Refusals, 4> refusals_;  // by Verdict
};

}  // namespace relay::intake
