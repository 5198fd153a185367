// HTTP/1.1 on the admin socket: requests in, JSON or a message out.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/strand.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/message.h"
#include "relay/services.h"

namespace relay::admin {

namespace json = boost::json;

/// A request as the handlers see it.
class Request {
 public:
  std::string method;
  std::vector<std::string> path;  ///< decoded segments
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;
};

/// JSON, or a message to stream.
class Response {
 public:
  unsigned status = 200;
  json::value body;
  std::shared_ptr<const queue::Message> message;  ///< sent instead of the body, as message/rfc822
};
/// {"error": words}
Response problem(unsigned status, std::string_view words);
/// 404 for what is not there, 409 for what cannot be now, 503 while the store takes nothing, else 500.
Response problem(const base::Error& error);

/// On the loop alone; content files are read on a strand of the workers.
class Server {
 public:
  using Handler = std::function<Task<Response>(Request)>;

  Server(Services& services, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Makes the socket, mode 0660, of group mailferry where there is one.
  base::Result<void> open(const std::string& path);
  void run();
  void stop();

 private:
  using Protocol = asio::local::stream_protocol;
  using LocalSocket = asio::basic_stream_socket<Protocol, Executor>;
  using Strand = asio::strand<asio::thread_pool::executor_type>;

  Task<void> accept();
  Task<void> serve(LocalSocket socket);
  Task<void> converse(LocalSocket& socket, Deadline& deadline);
  Task<base::Result<void>> stream(LocalSocket& socket, std::shared_ptr<const queue::Message> message);

  Services& services_;
  Handler handler_;
  Strand reading_;
  std::string path_;
  std::size_t connections_ = 0;
  asio::basic_socket_acceptor<Protocol, Executor> acceptor_;
};

}  // namespace relay::admin
