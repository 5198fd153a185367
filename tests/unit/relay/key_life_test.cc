// A new signing key waits for its record, takes over, and the old one retires when no mail of it can wait any more.
#include "relay/key_life.h"

#include <fstream>

#include "dns/resolver.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using relay::Activation;
using relay::Activations;
using relay::KeyStage;
using relay::Published;
using relay::SigningKey;

dkim::PrivateKey new_key() { return dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256); }

SigningKey signing_key(const std::string& selector, const std::string& replaces = {}) {
  return SigningKey{dkim::SigningRule{"*", "example.com", selector, new_key()}, replaces};
}

Activation activation_of(const SigningKey& key, base::Time when) {
  return Activation{key.rule.domain, key.rule.selector, key.rule.key.public_record(), when};
}

base::Result<dns::Answer> answer(const std::vector<std::string>& texts) {
  dns::Answer answer;
  for (const std::string& text : texts) answer.records.emplace_back(text);
  return answer;
}

std::vector<std::string> selectors(const std::vector<dkim::SigningRule>& rules) {
  std::vector<std::string> names;
  for (const dkim::SigningRule& rule : rules) names.push_back(rule.selector);
  return names;
}

/// Who signs next.
std::string signer(Relay& relay, Sink& sink) {
  const std::size_t before = sink.arrivals().size();
  Client client = relay.client();
  client.ehlo();
  client.send("a@example.com", {"bob@example.net"}, message("a@example.com", "x"));
  if (!sink.receives(before + 1)) return "nobody";
  const std::string content = sink.arrivals().back().content;
  const std::size_t at = content.find(" s=");
  return content.substr(at + 3, content.find(';', at) - at - 3);
}

struct TwoKeys {
  explicit TwoKeys(const Folder& folder, std::uint16_t port) : config(config_in(folder, port)) {
    sign_with(config, old_key.to_pem(), "*", "example.com", "old");
    sign_with(config, next_key.to_pem(), "*", "example.com", "new");
    config.dkim.sign.back().replaces = "old";
  }
  World world_with(const std::vector<std::pair<std::string, std::string>>& records) const {
    return [records](dns::StaticResolver& resolver) {
      zones({{"example.net", {"127.0.0.1"}}, {"example.com", {"127.0.0.1"}}})(resolver);
      for (const auto& [selector, record] : records) {
        resolver.add(selector + "._domainkey.example.com", dns::RecordType::txt, record);
      }
    };
  }
  dkim::PrivateKey old_key = new_key();
  dkim::PrivateKey next_key = new_key();
  conf::Config config;
};

}  // namespace

TEST_CASE("a published record is compared by its key") {
  const dkim::PrivateKey key = new_key();
  CHECK(relay::compare(key, answer({key.public_record()})) == Published::matches);
  CHECK(relay::compare(key, answer({key.public_record() + "; t=y"})) == Published::matches);
  CHECK(relay::compare(key, answer({new_key().public_record()})) == Published::differs);
  CHECK(relay::compare(key, answer({"v=DKIM1; k=ed25519; p="})) == Published::differs);
  CHECK(relay::compare(key, answer({key.public_record(), key.public_record()})) == Published::differs);
  CHECK(relay::compare(key, answer({})) == Published::missing);
  CHECK(relay::compare(key, base::fail(base::Kind::temporary, "SERVFAIL")) == Published::unknown);
}

TEST_CASE("a key is pending, active, retiring and retired") {
  const std::vector<SigningKey> keys = {signing_key("old"), signing_key("new", "OLD"), signing_key("other")};
  const base::Time now(std::chrono::hours(1000));
  const base::Duration wait = std::chrono::hours(120);
  Activations activations;
  const auto stage = [&](std::size_t i, base::Duration later) {
    return relay::life_of(keys[i], keys, activations, wait, now + later).stage;
  };
  CHECK(stage(0, {}) == KeyStage::active);
  CHECK(stage(1, {}) == KeyStage::pending);
  CHECK(selectors(relay::active_rules(keys, activations)) == std::vector<std::string>{"old", "other"});
  activations.add(activation_of(keys[1], now));
  CHECK(stage(0, {}) == KeyStage::retiring);
  CHECK(stage(1, {}) == KeyStage::active);
  CHECK(stage(2, {}) == KeyStage::active);
  CHECK(selectors(relay::active_rules(keys, activations)) == std::vector<std::string>{"new", "other"});
  CHECK(stage(0, wait - std::chrono::seconds(1)) == KeyStage::retiring);
  CHECK(stage(0, wait) == KeyStage::retired);
  CHECK(relay::life_of(keys[0], keys, activations, wait, now).needed_until == now + wait);
}

TEST_CASE("activations outlive the process, and belong to one key") {
  const Folder folder;
  const std::string path = folder / "keys.json";
  const SigningKey key = signing_key("new", "old");
  CHECK(Activations::load(path).value().find(key) == nullptr);
  Activations activations;
  activations.add(activation_of(key, base::Time(std::chrono::seconds(7))));
  REQUIRE(activations.save(path));
  auto loaded = Activations::load(path);
  REQUIRE(loaded);
  REQUIRE(loaded->find(key) != nullptr);
  CHECK(loaded->find(key)->when == base::Time(std::chrono::seconds(7)));
  CHECK(loaded->find(signing_key("new", "old")) == nullptr);
  std::ofstream(path) << "[{\"domain\": 7}]";
  CHECK(Activations::load(path).error().words.find(path) != std::string::npos);
}

TEST_CASE("a new key does not sign before its record is seen, and then it does for good") {
  const Folder folder;
  Sink sink;
  const TwoKeys keys(folder, sink.port());
  const auto records = [&] { return std::vector<std::pair<std::string, std::string>>{{"old", keys.old_key.public_record()}}; };
  {
    Relay relay(keys.config, keys.world_with(records()));
    CHECK(signer(relay, sink) == "old");
    const auto status = relay.get("/status");
    const auto& view = status.as_object().at("dkim").as_array().at(1).as_object();
    CHECK(view.at("stage").as_string() == "pending");
    CHECK(view.at("record").as_string() == "missing");
  }
  auto with_new = records();
  SECTION("another key under its name is refused") {
    with_new.emplace_back("new", new_key().public_record());
    Relay relay(keys.config, keys.world_with(with_new));
    REQUIRE(relay.logs("dkim-record name=new._domainkey.example.com state=differs"));
    CHECK(signer(relay, sink) == "old");
  }
  SECTION("its own record lets it sign") {
    with_new.emplace_back("new", keys.next_key.public_record());
    {
      Relay relay(keys.config, keys.world_with(with_new));
      REQUIRE(relay.logs("dkim-key s=new d=example.com stage=active replaces=old"));
      REQUIRE(sink.receives(2));  // the letter
      CHECK(sink.arrivals().back().content.find("DKIM key new of example.com signs now") != std::string::npos);
      CHECK(signer(relay, sink) == "new");
    }
    Relay without_dns(keys.config, keys.world_with({}));
    CHECK(signer(without_dns, sink) == "new");
  }
}
