// The doors: a listening socket for each [[listen]], limits counted there, a Session for everyone who may come in.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "relay/intake/session.h"

namespace relay::intake {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

class Listener {
 public:
  explicit Listener(IntakeContext context) : context_(std::move(context)) {}
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

  Task<void> accept_at(Door& door);
  Task<void> serve(Socket socket, conf::Listen listen);
  Task<void> turn_away(Socket socket, std::string why);

  IntakeContext context_;
  std::list<Door> doors_;
  std::list<Session*> sessions_;
  std::map<base::IpAddress, std::size_t> clients_;
};

}  // namespace relay::intake
