// HTTP/1.1 and JSON on the admin socket: one table of routes for the command line, and later for the web console.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/strand.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "relay/admin/views.h"
#include "relay/delivery/dispatcher.h"
#include "relay/services.h"

namespace relay::admin {

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

/// On the loop alone; its reader works on a strand of the workers.
class Api {
 public:
  Api(Services& services, delivery::Dispatcher& dispatcher, std::unique_ptr<queue::Reader> reader,
      std::function<Task<json::object>()> status);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// Makes the socket, mode 0660, of group mailferry where there is one.
  base::Result<void> open(const std::string& path);
  void run();
  void stop();

 private:
  using Protocol = asio::local::stream_protocol;
  using LocalSocket = asio::basic_stream_socket<Protocol, Executor>;
  using Strand = asio::strand<asio::thread_pool::executor_type>;
  struct Route;
  static const std::vector<Route>& routes();

  Task<void> accept();
  Task<void> serve(LocalSocket socket);
  Task<void> converse(LocalSocket& socket, Deadline& deadline);
  Task<Response> answer(Request request);
  Task<base::Result<void>> stream(LocalSocket& socket, std::shared_ptr<const queue::Message> message);

  Task<Response> get_status(Request request);
  Task<Response> get_queue(Request request);
  Task<Response> get_message(Request request);
  Task<Response> get_content(Request request);
  Task<Response> retry(Request request);
  Task<Response> drop(Request request);

  Services& services_;
  delivery::Dispatcher& dispatcher_;
  std::unique_ptr<queue::Reader> reader_;
  Strand reading_;
  std::function<Task<json::object>()> status_;
  std::string path_;
  std::size_t connections_ = 0;
  asio::basic_socket_acceptor<Protocol, Executor> acceptor_;
};

}  // namespace relay::admin
