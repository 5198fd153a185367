// Stages, and the file that remembers them.
#include "relay/key_life.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "dkim/verifier.h"

namespace relay {
namespace {

namespace json = boost::json;
using base::Kind;
using base::Result;

constexpr std::size_t largest_file = 1U << 20U;

bool replaces(const SigningKey& newer, const SigningKey& older) {
  return !newer.replaces.empty() && base::equal_ignoring_case(newer.rule.domain, older.rule.domain) &&
         base::equal_ignoring_case(newer.replaces, older.rule.selector);
}

bool is_of(const Activation& activation, const SigningKey& key) {
  return base::equal_ignoring_case(activation.domain, key.rule.domain) &&
         base::equal_ignoring_case(activation.selector, key.rule.selector) && activation.record == key.rule.key.public_record();
}

/// The active key that took its place.
const SigningKey* successor_of(const SigningKey& key, const std::vector<SigningKey>& all, const Activations& activations) {
  const auto found = std::ranges::find_if(
      all, [&](const SigningKey& other) { return replaces(other, key) && activations.find(other) != nullptr; });
  return found == all.end() ? nullptr : &*found;
}

Activation activation_of(const json::object& entry) {
  Activation activation;
  activation.domain = entry.at("domain").as_string();
  activation.selector = entry.at("selector").as_string();
  activation.record = entry.at("record").as_string();
  activation.when = base::Time(base::Duration(entry.at("activated").as_int64()));
  activation.retirement_told = entry.at("retirement_told").as_bool();
  return activation;
}

}  // namespace

std::string_view to_string(KeyStage stage) {
  switch (stage) {
    case KeyStage::pending: return "pending";
    case KeyStage::active: return "active";
    case KeyStage::retiring: return "retiring";
    case KeyStage::retired: return "retired";
  }
  return "";
}

std::string_view to_string(Published published) {
  switch (published) {
    case Published::unknown: return "unknown";
    case Published::matches: return "matches";
    case Published::missing: return "missing";
    case Published::differs: return "differs";
  }
  return "";
}

Published compare(const dkim::PrivateKey& key, const Result<dns::Answer>& answer) {
  if (!answer) return Published::unknown;
  std::vector<const std::string*> texts;
  for (const dns::Record& record : answer->records) {
    if (const auto* text = std::get_if<std::string>(&record)) texts.push_back(text);
  }
  if (texts.empty()) return Published::missing;
  if (texts.size() > 1) return Published::differs;
  const auto published = dkim::parse_key_record(*texts.front(), key.algorithm());
  if (!published) return Published::differs;
  const dkim::Digest probe{};
  const auto signature = key.sign(probe);
  return signature && published->verifies(probe, *signature) ? Published::matches : Published::differs;
}

Result<Activations> Activations::load(const std::string& path) {
  Activations activations;
  if (::access(path.c_str(), F_OK) != 0) return activations;
  auto text = base::read_file(path, largest_file);
  if (!text) return std::unexpected(text.error());
  try {
    const json::value entries = json::parse(*text);
    for (const json::value& entry : entries.as_array()) activations.add(activation_of(entry.as_object()));
  } catch (const std::exception& wrong) {
    return base::fail(
        Kind::invalid,
        fmt::format("{} is not what mailferry wrote ({}); remove it, and replaced keys wait for DNS again", path, wrong.what()));
  }
  return activations;
}

Result<void> Activations::save(const std::string& path) const {
  json::array entries;
  for (const Activation& activation : all_) {
    json::object entry;
    entry["domain"] = activation.domain;
    entry["selector"] = activation.selector;
    entry["record"] = activation.record;
    entry["activated"] = activation.when.time_since_epoch().count();
    entry["retirement_told"] = activation.retirement_told;
    entries.push_back(std::move(entry));
  }
  return base::write_file_durably(path, json::serialize(entries), 0600);
}

const Activation* Activations::find(const SigningKey& key) const {
  const auto found = std::ranges::find_if(all_, [&](const Activation& activation) { return is_of(activation, key); });
  return found == all_.end() ? nullptr : &*found;
}

Activation* Activations::find(const SigningKey& key) { return const_cast<Activation*>(std::as_const(*this).find(key)); }

KeyLife life_of(const SigningKey& key, const std::vector<SigningKey>& all, const Activations& activations,
                base::Duration longest_wait, base::Time now) {
  KeyLife life;
  if (!key.replaces.empty() && activations.find(key) == nullptr) {
    life.stage = KeyStage::pending;
    return life;
  }
  life.successor = successor_of(key, all, activations);
  if (life.successor == nullptr) return life;
  life.needed_until = activations.find(*life.successor)->when + longest_wait;
  life.stage = now < *life.needed_until ? KeyStage::retiring : KeyStage::retired;
  return life;
}

std::vector<dkim::SigningRule> active_rules(const std::vector<SigningKey>& all, const Activations& activations) {
  std::vector<dkim::SigningRule> rules;
  for (const SigningKey& key : all) {
    if (life_of(key, all, activations, {}, {}).stage == KeyStage::active) rules.push_back(key.rule);
  }
  return rules;
}

}  // namespace relay
