// Asking the relay, or reading the database.
#include "relay/cli/source.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "conf/config.h"
#include "relay/admin/views.h"

namespace relay::cli {

namespace json = boost::json;
using base::Kind;
using base::Result;

bool nothing_active(queue::QueueId, std::uint32_t) { return false; }

std::string text_of(const json::object& row, std::string_view key) {
  const json::value& value = row.at(key);
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_null()) return {};
  return json::serialize(value);
}

Result<Source> Source::open(const Common& common) {
  auto config = conf::read_config(common.config_path);
  if (!config) return std::unexpected(config.error());
  Source source;
  auto client = admin::Client::connect(config->admin.socket);
  if (client) {
    source.client_ = std::make_unique<admin::Client>(std::move(*client));
    return source;
  }
  if (client.error().kind != Kind::closed) return std::unexpected(client.error());
  source.why_offline_ = client.error().words;
  auto reader = queue::open_reader(config->spool);
  if (!reader) return base::fail(Kind::closed, client.error().words + "; " + reader.error().words);
  source.reader_ = std::move(*reader);
  return source;
}

Result<json::array> Source::page(const Parameters& parameters, std::string& cursor) {
  return client_ ? page_from_relay(parameters, cursor) : page_from_database(parameters, cursor);
}

Result<json::array> Source::page_from_relay(const Parameters& parameters, std::string& cursor) {
  std::string target = "/v1/queue?";
  for (const auto& [name, value] : parameters) target += admin::query_pair(name, value) + "&";
  if (!cursor.empty()) target += admin::query_pair("after", cursor);
  auto answer = client_->get(target);
  if (!answer) return std::unexpected(answer.error());
  const json::value& next = answer->at("next");
  cursor = next.is_string() ? std::string(next.get_string()) : std::string();
  return std::move(answer->at("rows").as_array());
}

Result<json::array> Source::page_from_database(Parameters parameters, std::string& cursor) {
  if (!cursor.empty()) parameters.emplace_back("after", cursor);
  auto request = admin::parse_request(parameters);
  if (!request) return std::unexpected(request.error());
  auto page = admin::read_page(*reader_, *request, nothing_active);
  if (!page) return std::unexpected(page.error());
  json::array rows;
  for (const queue::ListRow& row : page->rows) rows.push_back(admin::row_view(row, nothing_active, base::now()));
  cursor = page->more && !page->rows.empty() ? fmt::format("{}.{}", page->rows.back().id.to_string(), page->rows.back().index)
                                             : std::string();
  return rows;
}

}  // namespace relay::cli
