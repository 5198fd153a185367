// Fuzzes the reading of configuration files. What is read is shown, and what is shown is read as the same; mistakes have a line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "conf/config.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = conf::parse_config(text, "fuzz.toml", "/etc/mailferry");
  if (!config) {
    require(config.error().words.starts_with("fuzz.toml:"));
    require(config.error().words.find_first_of("\x1b\r\t\x7f") == std::string::npos);
    return 0;
  }
  require(!config->hostname.empty() && !config->listen.empty() && !config->retry.delays.empty());
  const std::string shown = conf::show_config(*config);
  const auto again = conf::parse_config(shown, "shown.toml", "/elsewhere");
  require(again.has_value());
  require(conf::show_config(*again) == shown);
  require(conf::show_config_json(*again) == conf::show_config_json(*config));
  static_cast<void>(conf::warnings(*config));
  return 0;
}
