// Reading a whole configuration: text to values, values to members, then what must fit together.
#include "conf/config.h"

#include <filesystem>

#include "base/file.h"
#include "conf/checks.h"
#include "conf/fields.h"
#include "conf/mistakes.h"
#include "conf/reader.h"
#include "conf/toml_reader.h"

namespace conf {

Config defaults() {
  Config config;
  config.listen.emplace_back();
  for (const std::string_view loopback : {"127.0.0.0/8", "::1"}) {
    if (auto network = base::Cidr::parse(loopback)) config.accept.mynetworks.push_back(*network);
  }
  return config;
}

Result<Config> read_config(const std::string& path) {
  auto text = base::read_file(path, largest_file);
  if (!text) return std::unexpected(text.error());
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return std::unexpected(base::system_error(base::Kind::invalid, "cannot tell the folder of " + path, error.value()));
  return parse_config(*text, path, absolute.parent_path().string());
}

Result<Config> parse_config(std::string_view text, const std::string& name, const std::string& directory) {
  Mistakes mistakes;
  Config config = defaults();
  const auto root = read_toml(text);
  if (root) {
    Entries entries = entries_of(config);
    read_entries(*root, entries, directory, mistakes);
    check_together(config, *root, mistakes);
  } else {
    mistakes.add(root.error().where, "", root.error().words);
  }
  if (!mistakes.empty()) return base::fail(base::Kind::invalid, mistakes.to_string(name));
  return config;
}

}  // namespace conf
