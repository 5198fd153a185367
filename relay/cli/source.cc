// Asking the relay, or reading the database.
#include "relay/cli/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "conf/config.h"
#include "queue/content_file.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Kind;
using base::Result;

constexpr std::size_t content_piece = std::size_t{64} << 10U;
/// With the relay stopped nothing is being delivered.
const admin::ActiveKeys nothing_active;

Result<void> read_content(queue::Reader& reader, queue::QueueId id, const Source::Sink& sink) {
  const auto message = reader.load(id);
  if (!message) return std::unexpected(message.error());
  sink(message->prefix);
  auto content = queue::ContentReader::open(message->content);
  if (!content) return std::unexpected(content.error());
  std::string piece(content_piece, '\0');
  for (;;) {
    const auto count = content->read(piece);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return {};
    sink(std::string_view(piece).substr(0, *count));
  }
}

}  // namespace

Result<Source> Source::open(const Common& common) {
  const auto config = conf::read_config(common.config_path);
  if (!config) return std::unexpected(config.error());
  Source source;
  auto client = admin::Client::connect(config->admin.socket);
  if (client) {
    source.client_ = std::make_unique<admin::Client>(std::move(*client));
    return source;
  }
  if (client.error().kind != Kind::closed) return std::unexpected(client.error());
  auto reader = queue::open_reader(config->spool);
  if (!reader) return base::fail(Kind::closed, fmt::format("{}; {}", client.error().words, reader.error().words));
  source.reader_ = std::move(*reader);
  return source;
}

Result<admin::Client> Source::open_relay(const Common& common) {
  const auto config = conf::read_config(common.config_path);
  if (!config) return std::unexpected(config.error());
  auto client = admin::Client::connect(config->admin.socket);
  if (!client && client.error().kind == Kind::closed)
    return base::fail(Kind::closed,
                      fmt::format("{}; this command needs the running relay: start it first", client.error().words));
  return client;
}

Result<admin::Page> Source::page(const Parameters& parameters) {
  if (!client_) {
    const auto request = admin::parse_page_request(parameters, base::now());
    if (!request) return std::unexpected(request.error());
    return admin::read_page(*reader_, *request, nothing_active, base::now());
  }
  auto answer = client_->get(admin::target_of("/v1/queue", parameters));
  if (!answer) return std::unexpected(answer.error());
  admin::Page page;
  const json::value& next = answer->at("next");
  if (next.is_string()) page.next = next.get_string();
  page.rows = std::move(answer->at("rows").as_array());
  return page;
}

Result<std::uint64_t> Source::each_row(const Parameters& filters, std::uint64_t limit,
                                       const std::function<void(const json::object&)>& each,
                                       const std::function<bool()>& page_done) {
  constexpr std::uint64_t most = admin::PageRequest::most_rows;
  std::uint64_t count = 0;
  std::string cursor;
  do {
    Parameters parameters = filters;
    parameters.emplace_back("limit", std::to_string(limit == 0 ? most : std::min(most, limit - count)));
    if (!cursor.empty()) parameters.emplace_back("after", cursor);
    const auto rows = page(parameters);
    if (!rows) return std::unexpected(rows.error());
    for (const json::value& row : rows->rows) each(row.as_object());
    count += rows->rows.size();
    cursor = rows->next;
    if (!page_done()) return count;
  } while (!cursor.empty() && (limit == 0 || count < limit));
  return count;
}

Result<json::array> Source::rows(const std::string& target) {
  auto answer = client_->get(target);
  if (!answer) return std::unexpected(answer.error());
  return std::move(answer->at("rows").as_array());
}

Result<json::array> Source::summary(const Parameters& parameters) {
  if (client_) return rows(admin::target_of("/v1/queue/summary", parameters));
  const auto request = admin::parse_summary_request(parameters);
  if (!request) return std::unexpected(request.error());
  return admin::read_summary(*reader_, *request, base::now());
}

Result<json::array> Source::pauses() { return client_ ? rows("/v1/queue/pauses") : admin::read_pauses(*reader_, base::now()); }

Result<json::object> Source::message(queue::QueueId id) {
  if (!client_) return admin::read_message(*reader_, id, nothing_active, base::now());
  auto answer = client_->get(fmt::format("/v1/queue/{}", id.to_string()));
  if (!answer) return std::unexpected(answer.error());
  return std::move(answer->as_object());
}

Result<void> Source::content(queue::QueueId id, const Sink& sink) {
  return client_ ? client_->stream(fmt::format("/v1/queue/{}/content", id.to_string()), sink) : read_content(*reader_, id, sink);
}

}  // namespace relay::cli
