// Messages that others have signed (tests/data/dkim): NN-name.msg, its key records, and a line for each signature from the top
// down: "pass", or the kind and words of the error. NN-name.why says what the message is there for.
#include <filesystem>
#include <map>

#include "base/text.h"
#include "dkim/verifier.h"
#include "tests/catch.h"
#include "tests/unit/dkim/support.h"

namespace {

using dkim_test::data;
using dkim_test::Message;

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(MAILFERRY_SOURCE_DIR) + "/tests/data/dkim")) {
    if (entry.path().extension() == ".msg") found.push_back(entry.path().stem().string());
  }
  std::ranges::sort(found);
  return found;
}

/// "name record" a line.
std::map<std::string, std::string> records(const std::string& text) {
  std::map<std::string, std::string> found;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos) found.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return found;
}

base::Result<void> verify(const mail::Field& field, const Message& message, const std::map<std::string, std::string>& keys) {
  const auto signature = dkim::Signature::parse(field.value);
  if (!signature) return std::unexpected(signature.error());
  const auto record = keys.find(signature->selector + "._domainkey." + signature->domain);
  if (record == keys.end()) return base::fail(base::Kind::invalid, "no key record");
  const auto key = dkim::parse_key_record(record->second, signature->algorithm);
  if (!key) return std::unexpected(key.error());
  dkim::BodyHash hash(signature->canonicalization.body, signature->body_length);
  hash.update(message.body);
  return dkim::check_signature(field, *signature, message.header, hash.finish(), *key);
}

}  // namespace

TEST_CASE("messages signed by others") {
  const std::vector<std::string> all = names();
  REQUIRE_FALSE(all.empty());
  for (const std::string& name : all) {
    CAPTURE(name);
    const Message message(data(name + ".msg"));
    const auto keys = records(data(name + ".key"));
    std::string verdicts;
    for (const mail::Field* field : message.header.find("DKIM-Signature")) {
      const auto verified = verify(*field, message, keys);
      verdicts += verified ? "pass" : std::string(base::to_string(verified.error().kind)) + ": " + verified.error().words;
      verdicts += '\n';
    }
    CHECK(verdicts == data(name + ".expected"));
    CHECK_FALSE(data(name + ".why").empty());
  }
}
