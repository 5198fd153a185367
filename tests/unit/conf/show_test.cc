// `config show`: complete, and the same configuration when it is read again.
#include <fmt/format.h>

#include "base/text.h"
#include "tests/unit/conf/files.h"

namespace {

bool has_line(const std::string& text, std::string_view line) {
  for (const std::string_view candidate : base::split(text, '\n')) {
    if (candidate == line) return true;
  }
  return false;
}

TEST_CASE("what is shown is read as the same configuration") {
  for (const std::string& path : config_files("good")) {
    const auto config = conf::read_config(path);
    REQUIRE(config);
    const std::string shown = conf::show_config(*config);
    const auto again = conf::parse_config(shown, "shown.toml", "/elsewhere");
    INFO(path << '\n' << shown << '\n' << (again ? "" : again.error().words));
    REQUIRE(again);
    CHECK(conf::show_config(*again) == shown);
    CHECK(conf::show_config_json(*again) == conf::show_config_json(*config));
  }
}

TEST_CASE("defaults and written values are shown under their headings") {
  const std::string shown = conf::show_config(must_parse("threads = 7\n[[route]]\ndomain = \"*\"\nhosts = [\"mx\"]\n"));
  CHECK(shown.find("threads = 7\n") < shown.find("\n[log]\n"));
  CHECK(has_line(shown, "message_size = \"50MiB\""));
  CHECK(has_line(shown, "mynetworks = [\"127.0.0.0/8\", \"::1\"]"));
  CHECK(has_line(shown, "delays = [\"1m\", \"5m\", \"15m\", \"30m\", \"1h\", \"2h\", \"4h\"]"));
  CHECK(has_line(shown, "[[listen]]"));
  CHECK(has_line(shown, "address = \"0.0.0.0:25\""));
  CHECK(has_line(shown, "require_tls = false"));
  CHECK(has_line(shown, "[[route]]"));
  CHECK(has_line(shown, "cache = 20000"));
}

TEST_CASE("keys of features that are not there yet are shown as off") {
  const std::string shown = conf::show_config(must_parse(""));
  CHECK(has_line(shown, "users = \"\""));
  CHECK(has_line(shown, "dane = false  # not supported yet"));
  CHECK(has_line(shown, "aliases = {abuse = \"postmaster\", root = \"postmaster\"}"));
  CHECK(has_line(shown, "mta_sts = false  # not supported yet"));
}

TEST_CASE("networks and host names are shown as one list") {
  const std::string shown = conf::show_config(must_parse("accept.mynetworks = [\"Home.Example.com\", \"192.0.2.0/24\"]\n"));
  CHECK(has_line(shown, "mynetworks = [\"192.0.2.0/24\", \"home.example.com\"]"));
}

TEST_CASE("every key is shown as TOML and as JSON") {
  const conf::Config config = must_parse(
      "[[route]]\ndomain = \"*\"\nhosts = [\"mx\"]\n[[shape]]\nmx = \"*\"\n[[reply]]\ntext = [\"no\"]\n[[dkim.sign]]\nfrom = "
      "\"*\"\ndomain = \"%\"\nselector "
      "= \"s\"\nkey = "
      "\"k\"\n");
  const std::string toml = conf::show_config(config);
  const std::string json = conf::show_config_json(config);
  for (const conf::KeyHelp& known : conf::known_keys()) {
    const std::string name = known.key.substr(known.key.rfind('.') + 1);
    INFO(known.key);
    if (known.supported) CHECK(toml.find("\n" + name + " = ") + (toml.starts_with(name) ? 1 : 0) != std::string::npos);
    if (known.supported) CHECK(json.find("\"" + name + "\": ") != std::string::npos);
  }
}

TEST_CASE("JSON has numbers, lists and blocks") {
  const std::string json = conf::show_config_json(must_parse("[accept]\nmynetworks = [\"10.0.0.0/8\"]\n"));
  CHECK(json.starts_with("{\n  \"hostname\": \"mail.example.com\",\n"));
  CHECK(json.find("\"threads\": 0") != std::string::npos);
  CHECK(json.find("\"mynetworks\": [\"10.0.0.0/8\"]") != std::string::npos);
  CHECK(json.find("\"listen\": [\n    {\n      \"address\": \"0.0.0.0:25\"") != std::string::npos);
  CHECK(json.find("\"sign\": []") != std::string::npos);
  CHECK(json.find("\"shape\": []") != std::string::npos);
  CHECK(json.ends_with("}\n"));
}

TEST_CASE("text is escaped") {
  const conf::Config config = must_parse("spool = 'a\"b\\c'\n");
  CHECK(config.spool == "/etc/mailferry/a\"b\\c");
  CHECK(conf::show_config(config).find(R"(spool = "/etc/mailferry/a\"b\\c")") != std::string::npos);
  CHECK(conf::show_config_json(config).find(R"("spool": "/etc/mailferry/a\"b\\c")") != std::string::npos);
}

}  // namespace
