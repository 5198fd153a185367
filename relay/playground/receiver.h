// The playground's receiver: an SMTP server whose answer is chosen by the local part, and which checks the DKIM signatures of
// what arrives.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dns/resolver.h"
#include "mail/envelope.h"
#include "relay/connection.h"
#include "relay/tasks.h"

namespace relay::playground {

/// "pass (d=mydomain.example s=us)", "fail (... reason)", "none".
struct DkimResult {
  bool pass = false;
  std::string words;
};

/// A message that was taken.
class Arrival {
 public:
  mail::Envelope envelope;
  std::string tls;
  std::string text;  ///< header and body as they came
  std::vector<DkimResult> dkim;
};

/// ok@ accepts, defer@ answers 451, reject@ 550, slow@ accepts after 20 seconds, drop@ hangs up after the content.
class Receiver {
 public:
  Receiver(Executor loop, Tasks& tasks, dns::Resolver& resolver, std::function<void(const Arrival&)> arrived);
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// On this port of loopback.
  base::Result<void> open(std::uint16_t port);
  void run(std::shared_ptr<TlsContext> tls);
  void stop();

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

  Task<void> accept();
  Task<void> serve(Socket socket);
  Task<std::vector<DkimResult>> verify(const std::string& text);

  Executor loop_;
  Tasks& tasks_;
  dns::Resolver& resolver_;
  std::function<void(const Arrival&)> arrived_;
  Acceptor acceptor_;
  std::shared_ptr<TlsContext> tls_;
};

}  // namespace relay::playground
