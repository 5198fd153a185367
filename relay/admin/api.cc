// The admin API: Beast reads requests and writes responses, the routes in between know nothing of HTTP.
#include "relay/admin/api.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "queue/content_file.h"

namespace relay::admin {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using base::Kind;
using base::Result;
using namespace asio::experimental::awaitable_operators;

constexpr std::uint64_t most_body = 4U << 20U;
constexpr std::size_t longest_path = 107;  // sun_path of unix(7)
constexpr std::size_t content_piece = 64U << 10U;
/// For a request and its response, the silence before it included: a person may be asked "drop 40 messages?" in between.
constexpr std::chrono::minutes request_time(5);
/// The socket is for a few admins; past it new connections are closed at once.
constexpr std::size_t most_connections = 100;
/// Past so many ids in one request the client asks again: a batch stays a short transaction.
constexpr std::size_t most_ids = 10'000;

Response problem(unsigned status, std::string_view words) {
  Response response;
  response.status = status;
  response.body = json::object{{"error", words}};
  return response;
}

Response problem(const base::Error& error) {
  const unsigned status = error.kind == Kind::invalid ? 404 : error.kind == Kind::full || error.kind == Kind::storage ? 503 : 500;
  return problem(status, error.words);
}

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

/// {"ids": ["..."]}
Result<std::vector<queue::QueueId>> ids_of(const std::string& body) {
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  const json::object* object = error ? nullptr : parsed.if_object();
  const json::value* ids = object != nullptr ? object->if_contains("ids") : nullptr;
  if (ids == nullptr || !ids->is_array()) return base::fail(Kind::invalid, "the body is {\"ids\": [\"...\"]}");
  if (ids->get_array().size() > most_ids) return base::fail(Kind::invalid, fmt::format("at most {} ids a request", most_ids));
  std::vector<queue::QueueId> found;
  for (const json::value& value : ids->get_array()) {
    if (!value.is_string()) return base::fail(Kind::invalid, "an id is a string");
    auto id = queue::QueueId::parse(std::string_view(value.get_string()));
    if (!id) return std::unexpected(id.error());
    found.push_back(*id);
  }
  return found;
}

}  // namespace

struct Api::Route {
  std::string_view method;
  std::vector<std::string_view> path;  ///< "*" is any segment
  Task<Response> (Api::*handler)(Request);

  bool matches(const Request& request) const {
    if (request.method != method || request.path.size() != path.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] != "*" && path[i] != request.path[i]) return false;
    }
    return true;
  }
};

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> table = {
      {"GET", {"v1", "status"}, &Api::get_status},      {"GET", {"v1", "queue"}, &Api::get_queue},
      {"POST", {"v1", "queue", "retry"}, &Api::retry},  {"POST", {"v1", "queue", "drop"}, &Api::drop},
      {"GET", {"v1", "queue", "*"}, &Api::get_message}, {"GET", {"v1", "queue", "*", "content"}, &Api::get_content},
  };
  return table;
}

Api::Api(Services& services, delivery::Dispatcher& dispatcher, std::unique_ptr<queue::Reader> reader,
         std::function<Task<json::object>()> status)
    : services_(services),
      dispatcher_(dispatcher),
      reader_(std::move(reader)),
      reading_(asio::make_strand(services.workers.get_executor())),
      status_(std::move(status)),
      acceptor_(services.loop) {}

Api::~Api() { stop(); }

Result<void> Api::open(const std::string& path) {
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

void Api::run() { services_.tasks.spawn(accept()); }

void Api::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
}

Task<void> Api::accept() {
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

Task<void> Api::serve(LocalSocket socket) {
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

Task<void> Api::converse(LocalSocket& socket, Deadline& deadline) {
  beast::flat_buffer buffer;
  for (;;) {
    deadline.after(request_time);
    http::request_parser<http::string_body> parser;
    parser.body_limit(most_body);
    auto [read_error, read_count] = co_await http::async_read(socket, buffer, parser, as_result);
    if (read_error) co_return;
    auto& message = parser.get();
    const std::string_view method(message.method_string().data(), message.method_string().size());
    const std::string_view target(message.target().data(), message.target().size());
    auto response = co_await answer(parse_target(method, target, std::move(message.body())));
    if (response.message) {
      const auto streamed = co_await stream(socket, response.message);
      if (!streamed) co_return;
      continue;
    }
    http::response<http::string_body> reply(static_cast<http::status>(response.status), message.version());
    reply.set(http::field::content_type, "application/json");
    reply.keep_alive(message.keep_alive());
    reply.body() = json::serialize(response.body) + "\n";
    reply.prepare_payload();
    auto [write_error, write_count] = co_await http::async_write(socket, reply, as_result);
    if (write_error || !reply.keep_alive()) co_return;
  }
}

Task<Response> Api::answer(Request request) {
  for (const Route& route : routes()) {
    if (!route.matches(request)) continue;
    auto task = (this->*route.handler)(std::move(request));
    co_return co_await std::move(task);
  }
  co_return problem(404, "no such resource");
}

Task<Result<void>> Api::stream(LocalSocket& socket, std::shared_ptr<const queue::Message> message) {
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

Task<Response> Api::get_status(Request) {
  auto task = status_();
  Response response;
  response.body = co_await std::move(task);
  co_return response;
}

Task<Response> Api::get_queue(Request request) {
  auto parsed = parse_request(request.query);
  if (!parsed) co_return problem(400, parsed.error().words);
  // The schedule belongs to the loop, so the question who is active is asked there, after the page has been read.
  const bool only_active = std::exchange(parsed->only_active, false);
  auto work = [reader = reader_.get(), &parsed] {
    return read_page(*reader, *parsed, [](queue::QueueId, std::uint32_t) { return false; });
  };
  const auto page = co_await on(reading_, services_.loop, work);
  if (!page) co_return problem(page.error());
  const IsActive is_active = [this](queue::QueueId id, std::uint32_t index) { return dispatcher_.is_active(id, index); };
  json::array rows;
  for (const queue::ListRow& row : page->rows) {
    if (!only_active || is_active(row.id, row.index)) rows.push_back(row_view(row, is_active, base::now()));
  }
  Response response;
  json::object body;
  body["rows"] = std::move(rows);
  body["next"] = page->more ? json::value(fmt::format("{}.{}", page->rows.back().id.to_string(), page->rows.back().index))
                            : json::value(nullptr);
  response.body = std::move(body);
  co_return response;
}

Task<Response> Api::get_message(Request request) {
  const auto id = queue::QueueId::parse(request.path.at(2));
  if (!id) co_return problem(400, id.error().words);
  auto load = [reader = reader_.get(), id = *id] { return reader->load(id); };
  const auto message = co_await on(reading_, services_.loop, load);
  if (!message) co_return problem(message.error());
  auto list = [reader = reader_.get(), id = *id] { return reader->recipients(id); };
  const auto rows = co_await on(reading_, services_.loop, list);
  if (!rows) co_return problem(rows.error());
  const IsActive is_active = [this](queue::QueueId message_id, std::uint32_t index) {
    return dispatcher_.is_active(message_id, index);
  };
  Response response;
  response.body = message_view(*message, *rows, is_active, base::now());
  co_return response;
}

Task<Response> Api::get_content(Request request) {
  const auto id = queue::QueueId::parse(request.path.at(2));
  if (!id) co_return problem(400, id.error().words);
  auto load = [reader = reader_.get(), id = *id] { return reader->load(id); };
  auto message = co_await on(reading_, services_.loop, load);
  if (!message) co_return problem(message.error());
  Response response;
  response.message = std::make_shared<const queue::Message>(std::move(*message));
  co_return response;
}

Task<Response> Api::retry(Request request) {
  const auto ids = ids_of(request.body);
  if (!ids) co_return problem(400, ids.error().words);
  // Which destinations wake up: asked before, since the rows change.
  auto work = [reader = reader_.get(), &ids] {
    std::map<std::string, queue::DestinationRow> rows;
    for (const queue::QueueId id : *ids) {
      const auto recipients = reader->recipients(id);
      if (!recipients) continue;
      for (const queue::ListRow& row : *recipients) {
        auto mailbox = mail::Mailbox::parse(row.recipient);
        if (!mailbox) continue;
        queue::DestinationRow& destination = rows[mailbox->domain()];
        destination.name = mailbox->domain();
        ++destination.recipients;
      }
    }
    return rows;
  };
  auto rows = co_await on(reading_, services_.loop, work);
  const base::Time now = base::now();
  auto start = [this, &ids, now](queue::Store::DoneCount done) { services_.store.retry(*ids, now, std::move(done)); };
  const auto count = co_await await_on_loop<Result<std::uint64_t>>(start);
  if (!count) co_return problem(count.error());
  std::vector<queue::DestinationRow> destinations;
  for (auto& [name, row] : rows) {
    row.earliest = now;
    destinations.push_back(std::move(row));
  }
  dispatcher_.woken(destinations);
  services_.log.info("retried").with("messages", ids->size()).with("rcpts", *count);
  Response response;
  response.body = json::object{{"recipients", *count}};
  co_return response;
}

Task<Response> Api::drop(Request request) {
  const auto ids = ids_of(request.body);
  if (!ids) co_return problem(400, ids.error().words);
  auto start = [this, &ids](queue::Store::DoneCount done) { services_.store.drop(*ids, std::move(done)); };
  const auto count = co_await await_on_loop<Result<std::uint64_t>>(start);
  if (!count) co_return problem(count.error());
  for (const queue::QueueId id : *ids) {
    dispatcher_.forget(id);
    services_.log.info("dropped").with("id", id.to_string());
  }
  Response response;
  response.body = json::object{{"messages", *count}};
  co_return response;
}

}  // namespace relay::admin
