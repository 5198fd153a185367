// Blocking HTTP over a unix socket.
#include "relay/admin/client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

namespace relay::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;
using base::Kind;
using base::Result;

constexpr std::uint64_t most_body = 64U << 20U;
constexpr std::size_t longest_path = 107;  // sun_path of unix(7)
constexpr std::size_t piece_size = 64U << 10U;

base::Error error_from(unsigned status, const std::string& body) {
  boost::system::error_code ignored;
  const json::value parsed = json::parse(body, ignored);
  const json::object* object = parsed.if_object();
  const json::value* words = object != nullptr ? object->if_contains("error") : nullptr;
  const std::string text =
      words != nullptr && words->is_string() ? std::string(words->get_string()) : fmt::format("HTTP status {}", status);
  return base::Error(status == 404 || status == 400 ? Kind::invalid : Kind::temporary, text);
}

}  // namespace

struct Client::Wire {
  asio::io_context context;
  asio::local::stream_protocol::socket socket{context};
  beast::flat_buffer buffer;

  Result<void> send(http::verb verb, const std::string& target, std::string body) {
    http::request<http::string_body> request(verb, target, 11);
    request.set(http::field::host, "mailferry");
    request.body() = std::move(body);
    request.prepare_payload();
    boost::system::error_code error;
    http::write(socket, request, error);
    if (error) return base::fail(Kind::closed, "the relay closed the admin socket: " + error.message());
    return {};
  }

  Result<json::value> exchange(http::verb verb, const std::string& target, std::string body) {
    if (auto sent = send(verb, target, std::move(body)); !sent) return std::unexpected(sent.error());
    http::response_parser<http::string_body> parser;
    parser.body_limit(most_body);
    boost::system::error_code error;
    http::read(socket, buffer, parser, error);
    if (error) return base::fail(Kind::closed, "the relay closed the admin socket: " + error.message());
    const unsigned status = parser.get().result_int();
    if (status != 200) return std::unexpected(error_from(status, parser.get().body()));
    // Tens of thousands of rows at most, all let go together.
    auto memory = json::make_shared_resource<json::monotonic_resource>();
    json::value parsed = json::parse(parser.get().body(), error, std::move(memory));
    if (error) return base::fail(Kind::invalid, "the relay's answer is not JSON");
    return parsed;
  }
};

Client::Client(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::connect(const std::string& socket_path) {
  if (socket_path.size() > longest_path) return base::fail(Kind::closed, "the path of admin.socket is too long: " + socket_path);
  auto wire = std::make_unique<Wire>();
  boost::system::error_code error;
  wire->socket.connect(asio::local::stream_protocol::endpoint(socket_path), error);
  if (error == boost::system::errc::permission_denied) {
    return base::fail(Kind::refused, fmt::format("no permission for {}: use sudo, or join the group mailferry", socket_path));
  }
  if (error) return base::fail(Kind::closed, fmt::format("mailferry is not running ({}: {})", socket_path, error.message()));
  return Client(std::move(wire));
}

Result<json::value> Client::get(const std::string& target) { return wire_->exchange(http::verb::get, target, {}); }

Result<json::value> Client::post(const std::string& target, const json::value& body) {
  return wire_->exchange(http::verb::post, target, json::serialize(body));
}

Result<json::value> Client::remove(const std::string& target) { return wire_->exchange(http::verb::delete_, target, {}); }

Result<void> Client::stream(const std::string& target, const std::function<void(std::string_view)>& sink) {
  if (auto sent = wire_->send(http::verb::get, target, {}); !sent) return sent;
  boost::system::error_code error;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  http::read_header(wire_->socket, wire_->buffer, parser, error);
  const unsigned status = parser.get().result_int();
  std::string piece(piece_size, '\0');
  std::string problem;
  while (!error && !parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    http::read_some(wire_->socket, wire_->buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    const std::string_view octets(piece.data(), piece.size() - parser.get().body().size);
    if (status == 200) {
      sink(octets);
    } else {
      problem += octets;
    }
  }
  if (error) return base::fail(Kind::closed, "the relay closed the admin socket: " + error.message());
  if (status != 200) return std::unexpected(error_from(status, problem));
  return {};
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string target_of(std::string_view path, const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string target(path);
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    target += fmt::format("{}{}={}", separator, name, percent_encoded(value));
    separator = '&';
  }
  return target;
}

}  // namespace relay::admin
