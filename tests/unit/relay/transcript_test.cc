// Plays tests/transcripts/server over TCP against the daemon.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/unit/mail/transcript.h"
#include "tests/unit/relay/world.h"

namespace {

using transcript::Script;
using transcript::Step;
using namespace world;

std::string settings_of(const Script& script) {
  const auto step = std::ranges::find(script.steps, std::string("config:"), &Step::name);
  return step == script.steps.end() ? std::string() : step->argument;
}

/// What cannot be said over TCP: the relay's inner answers.
bool can_be_played(const Script& script) {
  static const std::set<std::string> inner = {"reject", "rewrite", "shutdown"};
  if (settings_of(script).find("auth=") != std::string::npos) return false;  // no users
  if (settings_of(script).find("xclient=") != std::string::npos) return false;
  return std::ranges::none_of(script.steps, [](const Step& step) { return inner.contains(step.name); });
}

conf::Config configured(const Folder& folder, const std::string& settings) {
  conf::Config config = config_in(folder, 1);
  config.hostname = "mx.example.com";
  config.listen[0].tls = conf::ListenTls::none;
  config.accept.malformed = conf::Malformed::pass;  // the scripts are about the protocol
  for (const std::string_view setting : base::words(settings)) {
    const std::size_t equal = setting.find('=');
    const std::string_view key = setting.substr(0, equal);
    const std::string_view value = setting.substr(equal + 1);
    if (key == "message_size") config.accept.message_size.count = base::parse_number(value).value();
    if (key == "recipients") config.accept.recipients = base::parse_number(value).value();
    if (key == "bare_newline" && value == "reject") config.accept.bare_newline = conf::BareNewline::reject;
    if (key == "starttls" && value == "true") config.listen[0].tls = conf::ListenTls::starttls;
    if (key == "require_tls" && value == "true") config.listen[0].require_tls = true;
  }
  return config;
}

/// Reads what stands for this pattern; why it does not fit, or nothing.
std::string mismatch(Wire& wire, std::string_view pattern) {
  const bool whole_reply = pattern.size() == 4 && pattern.back() == '*';
  if (whole_reply) {
    const std::string reply = wire.read_reply();
    return reply.starts_with(pattern.substr(0, 3)) ? "" : "\"" + transcript::escape(reply) + "\"";
  }
  const auto line = wire.read_line();
  if (!line) return "the end of the stream";
  return transcript::matches(pattern, *line) ? "" : "\"" + transcript::escape(*line) + "\"";
}

void play(const Script& script, std::uint16_t port) {
  Wire wire = Wire::connect("127.0.0.1", port);
  bool open = true;
  for (const Step& step : script.steps) {
    INFO("line " << step.line);
    if (step.kind == Step::Kind::client) wire.write(step.octets);
    if (step.kind == Step::Kind::server) {
      for (const std::string& pattern : step.patterns) {
        INFO("expected " << pattern);
        REQUIRE(mismatch(wire, pattern) == "");
      }
    }
    if (step.name == "tls") wire.start_tls_as_client();
    if (step.name == "hangup") wire.close();
    if (step.name == "closed") CHECK(wire.read_to_end() == "");
    open = open && step.name != "hangup" && step.name != "closed";
  }
  if (!open || wire.is_tls()) return;
  CHECK(wire.is_silent_for(Milliseconds(0)));
}

}  // namespace

TEST_CASE("the daemon says over TCP what the transcripts say") {
  std::map<std::string, std::vector<Script>> by_settings;
  std::size_t played = 0;
  for (Script& script : transcript::load_all("server")) {
    if (!can_be_played(script)) continue;
    by_settings[settings_of(script)].push_back(std::move(script));
    ++played;
  }
  CHECK(played >= 150);
  for (const auto& [settings, scripts] : by_settings) {
    const Folder folder;
    Relay relay(configured(folder, settings));
    for (const Script& script : scripts) {
      INFO(script.name);
      play(script, relay.port());
    }
    relay.get("/status");  // it has survived them all
  }
}
