// The door for programs of this machine: SMTP on a Unix socket that everybody may use, and that takes mail and nothing else.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <list>
#include <map>
#include <string>

#include "relay/intake/session.h"

namespace relay::intake {

/// Whoever can open the socket is trusted as a client of mynetworks is; the kernel says which user it is. No TLS, no AUTH.
class Submission {
 public:
  static constexpr std::size_t most_sessions = 50;
  static constexpr std::size_t most_sessions_of_user = 20;  ///< so that one user does not keep out the others

  explicit Submission(IntakeContext context) : context_(std::move(context)), acceptor_(context_.services.loop) {}
  ~Submission() { stop(); }
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  /// Makes the socket, mode 0666; an empty path: none. Kind::invalid also when another relay listens there.
  base::Result<void> open(const std::string& path);
  void run();
  /// No more connections; sessions end as those of the Listener.
  void stop();
  std::size_t sessions() const { return sessions_.size(); }

 private:
  using Protocol = asio::local::stream_protocol;

  base::Result<void> bind(const std::string& path);
  Task<void> accept();
  void receive(Socket socket);
  Task<void> serve(Socket socket, std::uint32_t user);
  Task<void> turn_away(Socket socket);

  IntakeContext context_;
  Gate gate_{context_.limits};  ///< its own: programs of this machine take no slots from the network
  std::string path_;
  std::list<Session*> sessions_;
  std::map<std::uint32_t, std::size_t> users_;
  asio::basic_socket_acceptor<Protocol, Executor> acceptor_;
};

}  // namespace relay::intake
