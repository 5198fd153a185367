// The sample file and the manual page tell every key, and no other.
#include <algorithm>
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
  config->hostname = "";
  config->postmaster = "";
  config->dkim.sign.clear();
  config->route.clear();
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

/// The keys of the manual page: ".BR key ..." after ".TP", under headings ".SS [table]".
std::vector<std::string> keys_of_manual() {
  const std::string page = text_of(MAILFERRY_SOURCE_DIR "/packaging/man/mailferry.toml.5");
  std::vector<std::string> keys;
  std::string table;
  bool after_tp = false;
  for (const std::string_view line : base::split(page, '\n')) {
    const std::vector<std::string_view> words = base::words(line);
    if (line.starts_with(".SS")) {
      table = words.back();
      std::erase_if(table, [](char c) { return c == '[' || c == ']'; });
    }
    if (line.starts_with(".SH")) table.clear();
    if (after_tp && line.starts_with(".B") && !table.empty()) {
      keys.push_back(table == "level" ? std::string(words[1]) : table + "." + std::string(words[1]));
    }
    after_tp = line == ".TP";
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

TEST_CASE("the manual page tells every key") {
  std::vector<std::string> known;
  for (const conf::KeyHelp& key : conf::known_keys()) known.push_back(key.key);
  std::sort(known.begin(), known.end());
  CHECK(keys_of_manual() == known);
}

}  // namespace
