// The configuration files of tests/data/config, and reading of text for tests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "conf/config.h"
#include "tests/catch.h"

/// Paths of the files in tests/data/config/<folder>, sorted.
inline std::vector<std::string> config_files(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(MAILFERRY_SOURCE_DIR "/tests/data/config/" + folder)) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

inline std::string text_of(const std::string& path) {
  auto text = base::read_file(path);
  REQUIRE(text);
  return *text;
}

/// The two required keys before `rest`.
inline base::Result<conf::Config> parse(std::string_view rest) {
  const std::string required = "hostname = \"mail.example.com\"\npostmaster = \"admin@example.com\"\n";
  return conf::parse_config(required + std::string(rest), "test.toml", "/etc/mailferry");
}

/// A configuration that must be right.
inline conf::Config must_parse(std::string_view rest) {
  auto config = parse(rest);
  if (!config) FAIL(config.error().words);
  return *config;
}
