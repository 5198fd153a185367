// Every mistake in tests/data/config/bad is told with its line, column, key and cure.
#include "base/text.h"
#include "tests/unit/conf/files.h"

namespace {

/// The comment lines at the top: what the error must say, one each.
std::vector<std::string> expectations(const std::string& text) {
  std::vector<std::string> all;
  for (const std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with("# ")) break;
    all.emplace_back(line.substr(2));
  }
  return all;
}

TEST_CASE("each mistake is told where it stands") {
  const std::vector<std::string> files = config_files("bad");
  CHECK(files.size() >= 45);
  for (const std::string& path : files) {
    const std::string text = text_of(path);
    const auto config = conf::parse_config(text, "test.toml", "/etc/mailferry");
    INFO(path);
    if (config) {
      FAIL_CHECK("taken without complaint");
      continue;
    }
    const std::string& words = config.error().words;
    const std::vector<std::string> expected = expectations(text);
    REQUIRE_FALSE(expected.empty());
    for (const std::string& expectation : expected) {
      INFO("expected: " << expectation);
      INFO("told:     " << words);
      CHECK(words.find("test.toml:" + expectation) != std::string::npos);
    }
    CHECK(base::split(words, '\n').size() == expected.size());
    CHECK(config.error().kind == base::Kind::invalid);
  }
}

TEST_CASE("mistakes are told in the order of the file") {
  const auto config = parse("[dns]\ncache = \"x\"\n[accept]\nrecipients = 1\nconnections = 0\n");
  REQUIRE_FALSE(config);
  CHECK(config.error().words ==
        "test.toml:4:9: dns.cache: expected a number without quotes, not the text \"x\"\n"
        "test.toml:6:14: accept.recipients: 1 is not between 100 and 50000\n"
        "test.toml:7:15: accept.connections: 0 is not between 1 and 100000");
}

TEST_CASE("a file of nothing but mistakes gives a bounded answer") {
  std::string rest;
  for (int i = 0; i < 2000; ++i) rest += "unknown" + std::to_string(i) + " = 1\n";
  const auto config = parse(rest);
  REQUIRE_FALSE(config);
  CHECK(base::split(config.error().words, '\n').size() == 101);
  CHECK(config.error().words.ends_with("test.toml: and 1900 more"));
}

TEST_CASE("keys that are only wrong together are not told when one of them is wrong alone") {
  const auto config = parse("[tls]\ncertificate = \"c.pem\"\nkey = 5\n");
  REQUIRE_FALSE(config);
  CHECK(config.error().words == "test.toml:5:7: tls.key: expected a path in quotes, not a number");
}

TEST_CASE("a file that is not there or too large is an error with its name") {
  const auto missing = conf::read_config("/nonexistent/mailferry.toml");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().words.find("/nonexistent/mailferry.toml") != std::string::npos);
  CHECK_FALSE(parse(std::string(2U << 20U, '\n')));
}

TEST_CASE("control characters of the file do not reach the terminal") {
  const auto config = parse("\"\\u001b[31mred\" = 1\n");
  REQUIRE_FALSE(config);
  CHECK(config.error().words.find('\x1b') == std::string::npos);
}

}  // namespace
