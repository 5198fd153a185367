// Beast reads requests and writes responses; the handlers know nothing of HTTP.
#include "relay/admin/server.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "queue/content_file.h"
#include "relay/memory.h"

namespace relay::admin {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using base::Kind;
using base::Result;
using namespace asio::experimental::awaitable_operators;

constexpr std::uint64_t most_body = 4U << 20U;
/// Of a request line and its fields: a query may name many ids.
constexpr std::uint32_t most_header = 256U << 10U;
constexpr std::size_t longest_path = 107;  // sun_path of unix(7)
/// Octets; what it was made of is given back to the system afterwards.
constexpr std::size_t large_answer = 1U << 20U;
constexpr std::size_t content_piece = 64U << 10U;
/// For a request and its response, the silence before it included: a person may be asked "drop 40 messages?" in between.
constexpr std::chrono::minutes request_time(5);
/// The socket is for a few admins; past it new connections are closed at once.
constexpr std::size_t most_connections = 100;

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string digits = text[i] == '%' && i + 2 < text.size() ? std::string(text.substr(i + 1, 2)) : std::string();
    const bool is_hex = digits.size() == 2 && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (is_hex) {
      decoded += static_cast<char>(std::stoi(digits, nullptr, 16));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

Request parse_target(std::string_view method, std::string_view target, std::string body) {
  Request request;
  request.method = method;
  request.body = std::move(body);
  const std::size_t mark = target.find('?');
  for (const std::string_view segment : base::split(target.substr(0, mark), '/')) {
    if (!segment.empty()) request.path.push_back(percent_decoded(segment));
  }
  if (mark == std::string_view::npos) return request;
  for (const std::string_view pair : base::split(target.substr(mark + 1), '&')) {
    const std::size_t equals = pair.find('=');
    if (pair.empty()) continue;
    request.query.emplace_back(percent_decoded(pair.substr(0, equals)),
                               equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1)));
  }
  return request;
}

}  // namespace

Response problem(unsigned status, std::string_view words) {
  Response response;
  response.status = status;
  response.body = json::object{{"error", words}};
  return response;
}

Response problem(const base::Error& error) {
  switch (error.kind) {
    case Kind::invalid: return problem(404, error.words);
    case Kind::refused: return problem(409, error.words);
    case Kind::full:
    case Kind::storage:
    case Kind::temporary: return problem(503, error.words);
    case Kind::unsupported:
    case Kind::timeout:
    case Kind::closed:
    case Kind::tls:
    case Kind::damaged:
    case Kind::cancelled: return problem(500, error.words);
  }
  return problem(500, error.words);
}

Server::Server(Services& services, Handler handler)
    : services_(services),
      handler_(std::move(handler)),
      reading_(asio::make_strand(services.workers.get_executor())),
      acceptor_(services.loop) {}

Server::~Server() { stop(); }

Result<void> Server::open(const std::string& path) {
  if (path.size() > longest_path)
    return base::fail(Kind::invalid, fmt::format("admin.socket: a unix socket's path has at most {} characters", longest_path));
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    if (auto made = base::make_directories(path.substr(0, slash)); !made) return made;
  }
  ::unlink(path.c_str());  // of a run that died; a second daemon is refused by the spool's lock
  boost::system::error_code error;
  const Protocol::endpoint endpoint(path);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(16, error);
  if (error) return base::fail(Kind::invalid, fmt::format("cannot listen on admin.socket {}: {}", path, error.message()));
  path_ = path;
  if (const group* service = ::getgrnam("mailferry")) {
    if (::chown(path.c_str(), static_cast<uid_t>(-1), service->gr_gid) != 0)
      services_.log.warning("admin-socket").with("reason", "cannot give it to group mailferry");
  }
  if (::chmod(path.c_str(), 0660) != 0)
    return std::unexpected(base::system_error(Kind::invalid, "cannot set the mode of " + path, errno));
  return {};
}

void Server::run() { services_.tasks.spawn(accept()); }

void Server::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
}

Task<void> Server::accept() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(services_.loop, as_result);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      Timer pause(services_.loop, std::chrono::milliseconds(100));
      co_await pause.async_wait(as_result);
      continue;
    }
    if (connections_ < most_connections) services_.tasks.spawn(serve(std::move(socket)));
  }
}

Task<void> Server::serve(LocalSocket socket) {
  struct Count {
    explicit Count(std::size_t& number) : number_(number) { ++number_; }
    ~Count() { --number_; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    std::size_t& number_;
  };
  const Count count(connections_);
  Deadline deadline(services_.loop);
  co_await (converse(socket, deadline) || deadline.expired());
}

Task<void> Server::converse(LocalSocket& socket, Deadline& deadline) {
  beast::flat_buffer buffer;
  for (;;) {
    deadline.after(request_time);
    http::request_parser<http::string_body> parser;
    parser.body_limit(most_body);
    parser.header_limit(most_header);
    auto [read_error, read_count] = co_await http::async_read(socket, buffer, parser, as_result);
    if (read_error) co_return;
    auto& message = parser.get();
    const std::string_view method(message.method_string().data(), message.method_string().size());
    const std::string_view target(message.target().data(), message.target().size());
    auto response = co_await handler_(parse_target(method, target, std::move(message.body())));
    if (response.message) {
      const auto streamed = co_await stream(socket, response.message);
      if (!streamed) co_return;
      continue;
    }
    http::response<http::string_body> reply(static_cast<http::status>(response.status), message.version());
    reply.set(http::field::content_type, "application/json");
    reply.keep_alive(message.keep_alive());
    // A summary of many domains is megabytes: neither the loop nor anybody's memory is to notice it for long.
    auto render = [&response] {
      std::string text = json::serialize(response.body);
      response.body = nullptr;
      text += '\n';
      return text;
    };
    auto workers = services_.workers.get_executor();
    reply.body() = co_await on(workers, services_.loop, render);
    const bool was_large = reply.body().size() > large_answer;
    reply.prepare_payload();
    auto [write_error, write_count] = co_await http::async_write(socket, reply, as_result);
    if (was_large) {
      reply.body() = std::string();
      asio::post(workers, return_freed_memory);
    }
    if (write_error || !reply.keep_alive()) co_return;
  }
}

Task<Result<void>> Server::stream(LocalSocket& socket, std::shared_ptr<const queue::Message> message) {
  const std::string head = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: message/rfc822\r\nContent-Length: {}\r\n\r\n{}",
                                       message->size(), message->prefix);
  auto reader = queue::ContentReader::open(message->content);
  if (!reader) co_return std::unexpected(reader.error());
  auto [head_error, head_count] = co_await asio::async_write(socket, asio::buffer(head), as_result);
  if (head_error) co_return base::fail(Kind::closed, head_error.message());
  std::string piece(content_piece, '\0');
  for (;;) {
    auto work = [&reader, &piece] { return reader->read(piece); };
    const auto count = co_await on(reading_, services_.loop, work);
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) co_return Result<void>();
    const auto octets = asio::buffer(piece.data(), *count);
    auto [error, sent] = co_await asio::async_write(socket, octets, as_result);
    if (error) co_return base::fail(Kind::closed, error.message());
  }
}

}  // namespace relay::admin
