// How the commands say times, sizes and numbers.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "relay/cli/table.h"

namespace relay::cli {

/// A member as people read it: strings bare, null as nothing, numbers in digits.
std::string text_of(const boost::json::object& row, std::string_view key);
/// A member that is a number.
std::int64_t number_of(const boost::json::object& row, std::string_view key);

/// In three columns, four from 100 days: "99s", "12m", "47h", "9d".
std::string short_age(std::int64_t seconds);
/// next_seconds of a row: "-", "now", or in how long.
std::string next_text(const boost::json::object& row);
/// In at most four columns: "999", "9.9K", "123K", "1.2M" (powers of ten).
std::string size_text(std::uint64_t octets);
/// "1,234,567"
std::string count_text(std::uint64_t count);
/// "1 message", "12,000 messages"
std::string count_text(std::uint64_t count, std::string_view thing);
/// The same of a member.
std::string count_text(const boost::json::object& row, std::string_view key, std::string_view thing);
/// A reverse-path: the null one is "<>".
std::string sender_text(const std::string& sender);
/// active and held stand out.
Cell state_cell(const std::string& state);

/// By the settings of the locale.
bool reads_chinese();

}  // namespace relay::cli
