// The sample file and the manual page tell every key, and no other.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "tests/unit/conf/files.h"

namespace {

/// The sample with all that is commented out switched on, but for the features that are not there yet.
std::string switched_on(const std::string& sample) {
  std::string text;
  for (std::string_view line : base::split(sample, '\n')) {
    if (line.find("# not supported yet") != std::string_view::npos) continue;
    if (line.size() > 1 && line.front() == '#' && line[1] != ' ') line.remove_prefix(1);
    text += std::string(line) + "\n";
  }
  return text;
}

TEST_CASE("packaging/mailferry.toml is made from the field list") {
  CHECK(text_of(MAILFERRY_SOURCE_DIR "/packaging/mailferry.toml") == conf::sample_config());
}

TEST_CASE("the sample file is a right configuration that changes no default") {
  auto config = conf::parse_config(conf::sample_config(), "mailferry.toml", "/etc/mailferry");
  if (!config) FAIL(config.error().words);
  config->hostname = "";
  config->postmaster = "";
  CHECK(conf::show_config(*config) == conf::show_config(conf::defaults()));
}

TEST_CASE("what the sample file has commented out are the defaults and right examples") {
  auto config = conf::parse_config(switched_on(conf::sample_config()), "mailferry.toml", "/etc/mailferry");
  if (!config) FAIL(config.error().words);
  CHECK(config->dkim.sign.size() == 1);
  CHECK(config->route.size() == 1);
  CHECK(config->shape.size() == 1);
  CHECK(config->reply.size() == 1);
  config->hostname = "";
  config->postmaster = "";
  config->dkim.sign.clear();
  config->route.clear();
  config->shape.clear();
  config->reply.clear();
  CHECK(conf::show_config(*config) == conf::show_config(conf::defaults()));
}

TEST_CASE("the sample file has every key") {
  const std::string sample = conf::sample_config();
  for (const conf::KeyHelp& known : conf::known_keys()) {
    INFO(known.key);
    const std::string line = "\n" + std::string(known.key.find('.') == std::string::npos ? "" : "#") +
                             known.key.substr(known.key.rfind('.') + 1) + " = ";
    CHECK((sample.find(line) != std::string::npos || sample.find("\n#" + known.key + " = ") != std::string::npos));
  }
}

TEST_CASE("every key has a meaning, once") {
  std::set<std::string> seen;
  for (const conf::KeyHelp& known : conf::known_keys()) {
    INFO(known.key);
    CHECK(seen.insert(known.key).second);
    CHECK(known.help.ends_with('.'));
  }
  CHECK(seen.contains("accept.mynetworks"));
  CHECK(seen.contains("dkim.sign.selector"));
  CHECK(seen.contains("shape.rate"));
}

using Values = std::map<std::string, std::string>;

std::string without(std::string text, std::string_view unwanted) {
  std::erase_if(text, [unwanted](char c) { return unwanted.find(c) != std::string_view::npos; });
  return text;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// The keys of the manual page with the default that it shows, if any: ".BR key ..." after ".TP", under headings ".SS [table]".
Values values_of_manual() {
  const std::string page = text_of(MAILFERRY_SOURCE_DIR "/packaging/man/mailferry.toml.5");
  Values values;
  std::string table;
  bool in_keys = false;
  bool after_tp = false;
  for (const std::string_view line : base::split(page, '\n')) {
    if (line.starts_with(".SH")) in_keys = line == ".SH KEYS";
    if (line.starts_with(".SS ")) table = line == ".SS \"Top level\"" ? "" : without(std::string(line.substr(4)), "[]") + ".";
    if (in_keys && after_tp) {
      REQUIRE(line.starts_with(".BR "));
      const std::string plain = replaced(replaced(std::string(line), "\\(dq", "'"), "\\-", "-");
      const std::size_t value = plain.find("\" = ");
      std::string shown = value == std::string::npos ? "" : plain.substr(value + 4);
      shown = shown.substr(0, std::min(shown.find(" ("), shown.find('"')));
      values[table + std::string(base::words(line)[1])] = replaced(shown, "'", "\"");
    }
    after_tp = line == ".TP";
  }
  return values;
}

/// The keys of the sample file with their defaults.
Values values_of_sample() {
  Values values;
  std::string table;
  const std::string sample = conf::sample_config();
  for (std::string_view line : base::split(sample, '\n')) {
    if (line.starts_with("# ")) continue;
    line = line.substr(0, line.find("  # not supported yet"));
    if (line.starts_with('#')) line.remove_prefix(1);
    if (line.starts_with('[')) table = without(std::string(line), "[]") + ".";
    const std::size_t equals = line.find(" = ");
    if (equals != std::string_view::npos) values[table + std::string(line.substr(0, equals))] = line.substr(equals + 3);
  }
  return values;
}

TEST_CASE("the manual page tells every key, and no other") {
  std::vector<std::string> told;
  for (const auto& [key, value] : values_of_manual()) told.push_back(key);
  std::vector<std::string> known;
  for (const conf::KeyHelp& key : conf::known_keys()) known.push_back(key.key);
  std::sort(known.begin(), known.end());
  CHECK(told == known);
}

TEST_CASE("the defaults of the manual page are right") {
  const Values defaults = values_of_sample();
  for (const auto& [key, told] : values_of_manual()) {
    INFO(key);
    REQUIRE(defaults.contains(key));
    if (!told.empty()) CHECK(told == defaults.at(key));
  }
}

}  // namespace
