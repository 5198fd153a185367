// dkim sign, verify: DKIM on files and standard input.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "base/text.h"
#include "conf/config.h"
#include "dkim/message_verifier.h"
#include "dkim/signer.h"
#include "relay/cli/commands.h"
#include "relay/cli/display.h"
#include "relay/cli/lookup.h"
#include "relay/cli/message_file.h"
#include "relay/questions.h"
#include "relay/settings.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Result;
using dkim::MessageVerifier;
using dkim::SignatureResult;

int fail_with(const std::string& words) {
  complain(words);
  return failed;
}

// ---- verify

/// A message that was taken out of an mbox file begins with a line "From ann@example.com Tue ..." that is not part of it.
std::string_view without_mbox_line(std::string_view start) {
  constexpr std::string_view mark = "From ";
  if (!start.starts_with(mark)) return start;
  const std::size_t sender = start.find_first_not_of(" \t", mark.size());
  if (sender == std::string_view::npos || start[sender] == ':') return start;
  return start.substr(std::min(start.find('\n'), start.size() - 1) + 1);
}

Result<std::vector<SignatureResult>> verify(const Common& common, const DkimArguments& arguments) {
  dkim::VerifyOptions options;
  const auto clock = std::chrono::duration_cast<std::chrono::seconds>(base::now().time_since_epoch()).count();
  options.now = static_cast<std::uint64_t>(arguments.now > 0 ? arguments.now : clock);
  MessageVerifier verifier(options);
  bool start = true;  // the first piece holds the first line
  const auto read = read_message(arguments.file, [&](std::string_view piece) {
    verifier.feed(start ? without_mbox_line(piece) : piece);
    start = false;
  });
  if (!read) return std::unexpected(read.error());
  verifier.finish();
  const std::vector<std::string> questions = verifier.questions();
  if (questions.empty()) return verifier.results();
  auto resolver = make_command_resolver(common);
  if (!resolver) return std::unexpected(resolver.error());
  for (const std::string& name : questions) verifier.answer(name, key_answer(ask(**resolver, name, dns::RecordType::txt)));
  return verifier.results();
}

json::object view_of(const SignatureResult& result) {
  json::object view;
  view["result"] = dkim::to_string(result.verdict);
  view["domain"] = base::printable(result.domain);
  view["selector"] = base::printable(result.selector);
  view["algorithm"] = base::printable(result.algorithm);
  view["identity"] = base::printable(result.identity);
  view["reason"] = base::printable(result.reason);
  view["testing"] = result.testing;
  view["unsigned_octets"] = result.unsigned_octets;
  return view;
}

// ---- sign

struct Message {
  std::string text;
  mail::HeaderBlock header;
  dkim::BodyHashes hashes;
  LineEnd line_end = LineEnd::cr_lf;

  explicit Message(const Settings& settings) : hashes(settings.needs_simple_body, settings.needs_relaxed_body) {}
};

Result<void> load(const DkimArguments& arguments, std::uint64_t limit, Message& message) {
  const auto read = read_message(arguments.file, [&](std::string_view piece) {
    if (message.text.size() <= limit) message.text += piece;
  });
  if (!read) return std::unexpected(read.error());
  message.line_end = *read;
  if (message.text.size() > limit) return base::fail(base::Kind::invalid, "the message is larger than accept.message_size");
  const std::size_t body = message.header.feed(message.text);
  if (!message.header.complete()) message.header.finish();
  if (message.header.too_large()) return base::fail(base::Kind::invalid, "the header is too large");
  message.hashes.update(message.header.held_back());
  message.hashes.update(std::string_view(message.text).substr(body));
  message.hashes.finish();
  return {};
}

Result<std::string> sign(const Settings& settings, const Message& message) {
  const auto from = message.header.find("From");
  if (from.empty()) return base::fail(base::Kind::invalid, "the message has no From: field");
  const auto author = mail::first_address(from.front()->value);
  if (!author) return std::unexpected(author.error());
  const auto rules = dkim::matching_rules(settings.signing_rules, *author);
  if (rules.empty()) {
    return base::fail(base::Kind::invalid, fmt::format("no [[dkim.sign]] block matches From: {}", author->to_string()));
  }
  const dkim::SigningOptions& options = settings.signing_options;
  std::string fields;
  for (const dkim::SigningRule* rule : rules) {
    auto field = dkim::make_signature(*rule, options, message.header, message.hashes.of(options.canonicalization.body), *author,
                                      base::now());
    if (!field) return std::unexpected(field.error());
    fields += *field;
  }
  return fields;
}

void print(std::string text, LineEnd line_end) {
  if (line_end == LineEnd::lf) std::erase(text, '\r');
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

int dkim_verify(const Common& common, const DkimArguments& arguments) {
  const auto results = verify(common, arguments);
  if (!results) return fail_with(results.error().words);
  bool passed = false;
  json::array views;
  for (const SignatureResult& result : *results) {
    passed = passed || result.verdict == dkim::Verdict::pass;
    views.push_back(view_of(result));
    if (common.json) continue;
    std::string line = fmt::format("{} d={} s={}", dkim::to_string(result.verdict), result.domain, result.selector);
    if (!result.reason.empty()) line += " " + result.reason;
    fmt::print("{}\n", safe_text(line));
  }
  if (common.json) {
    json::object view;
    view["signatures"] = std::move(views);
    fmt::print("{}\n", json::serialize(view));
  } else if (results->empty()) {
    complain("the message has no DKIM-Signature");
  }
  return passed ? done : failed;
}

int dkim_sign(const Common& common, const DkimArguments& arguments) {
  const auto config = conf::read_config(common.config_path);
  if (!config) return fail_with(config.error().words);
  const auto settings = make_settings(*config, SecretUse::check_only);
  if (!settings) return fail_with(settings.error().words);
  Message message(**settings);
  if (const auto loaded = load(arguments, config->accept.message_size.count, message); !loaded) {
    return fail_with(loaded.error().words);
  }
  auto fields = sign(**settings, message);
  if (!fields) return fail_with(fields.error().words);
  print(std::move(*fields), message.line_end);
  print(std::move(message.text), message.line_end);
  return done;
}

}  // namespace relay::cli
