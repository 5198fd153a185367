// Short words for narrow columns.
#include "relay/cli/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

namespace relay::cli {

namespace json = boost::json;

std::string text_of(const json::object& row, std::string_view key) {
  const json::value& value = row.at(key);
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_null()) return {};
  if (value.is_int64()) return std::to_string(value.get_int64());
  return json::serialize(value);
}

std::int64_t number_of(const json::object& row, std::string_view key) { return row.at(key).to_number<std::int64_t>(); }

std::string short_age(std::int64_t seconds) {
  if (seconds < 100) return fmt::format("{}s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 100L * 60) return fmt::format("{}m", seconds / 60);
  if (seconds < 48L * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string next_text(const json::object& row) {
  if (row.at("next_seconds").is_null()) return "-";
  const std::int64_t left = number_of(row, "next_seconds");
  return left > 0 ? short_age(left) : "now";
}

std::string size_text(std::uint64_t octets) {
  constexpr std::string_view units = " KMGTPE";
  auto amount = static_cast<double>(octets);
  std::size_t unit = 0;
  for (; amount >= 999.5 && unit + 1 < units.size(); ++unit) amount /= 1000;
  if (unit == 0) return fmt::format("{}", octets);
  return amount < 9.95 ? fmt::format("{:.1f}{}", amount, units[unit]) : fmt::format("{:.0f}{}", amount, units[unit]);
}

std::string count_text(std::uint64_t count) {
  if (count < 1000) return fmt::format("{}", count);
  return fmt::format("{},{:03}", count_text(count / 1000), count % 1000);
}

std::string count_text(std::uint64_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count_text(count), thing, count == 1 ? "" : "s");
}

std::string count_text(const json::object& row, std::string_view key, std::string_view thing) {
  return count_text(row.at(key).to_number<std::uint64_t>(), thing);
}

std::string sender_text(const std::string& sender) { return sender.empty() ? "<>" : sender; }

Cell state_cell(const std::string& state) {
  return {state, state == "active" ? Tone::good : state == "held" ? Tone::warning : Tone::plain};
}

// POSIX has the first of them count that is not empty.
bool reads_chinese() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): the command line has one thread
    if (value != nullptr && *value != '\0') return std::string_view(value).starts_with("zh");
  }
  return false;
}

}  // namespace relay::cli
