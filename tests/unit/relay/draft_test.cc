// A message while it is received: whatever the pieces it comes in, it is signed for what it is.
#include "relay/intake/draft.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <tuple>

#include "tests/catch.h"
#include "tests/unit/relay/folder.h"
#include "tests/unit/relay/signed_message.h"

namespace {

using queue::Origin;
using relay::intake::BufferBudget;
using relay::intake::Draft;

const dkim::PrivateKey& key() {
  static const dkim::PrivateKey made = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  return made;
}

std::shared_ptr<relay::Settings> settings(const world::Folder& folder, const char* canonicalization = "relaxed/relaxed") {
  REQUIRE(base::make_directories(queue::content_folder(folder.path())));  // as the store does
  auto settings = std::make_shared<relay::Settings>();
  settings->config = conf::defaults();
  settings->config.hostname = "relay.example.com";
  settings->config.spool = folder.path();
  settings->signing_options.canonicalization = dkim::parse_canonicalization(canonicalization).value();
  settings->signing_rules.push_back(dkim::SigningRule{"*@a.com", "a.com", "ed", key()});
  settings->needs_simple_body = settings->signing_options.canonicalization.body == dkim::Canonicalization::simple;
  settings->needs_relaxed_body = !settings->needs_simple_body;
  return settings;
}

mail::Envelope envelope() {
  mail::Envelope envelope;
  envelope.reverse_path = mail::ReversePath(mail::Mailbox("alice", "a.com"));
  envelope.recipients.emplace_back(mail::Mailbox("bob", "example.net"));
  return envelope;
}

base::Result<relay::intake::Sealed> seal(Draft& draft) {
  draft.finish();
  return draft.seal(queue::real_disk(), envelope(), mail::Client(), base::now());
}

std::string text_of(const queue::Message& message) {
  std::string text = message.prefix;
  auto reader = queue::ContentReader::open(message.content).value();
  std::string piece(4096, '\0');
  for (std::size_t count = reader.read(piece).value(); count > 0; count = reader.read(piece).value())
    text += piece.substr(0, count);
  return text;
}

const char* const messages[] = {
    "From: alice@a.com\r\nSubject: plain\r\n\r\nBody  with   blanks \r\n\r\nend\r\n",
    "From: alice@a.com\r\nSubject: no body\r\n",
    "From: alice@a.com\r\nSubject: empty body\r\n\r\n",
    "From: alice@a.com\r\nSubject: no separator\r\nthis line is body already\r\nmore\r\n",
    "From: =?utf-8?q?=41?= <alice@a.com>\r\nSubject: folded\r\n\tonce\r\n twice\r\n\r\n\r\n\r\n8-bit \xff\xfe\r\n",
};

}  // namespace

TEST_CASE("a message cut anywhere is signed as a whole") {
  const world::Folder folder;
  const char* form = GENERATE("relaxed/relaxed", "simple/simple");
  const auto with = settings(folder, form);
  for (const std::string text : messages) {
    INFO(form << ": " << text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      BufferBudget budget;
      Draft draft(with, Origin::trusted, queue::QueueId(cut + 1), budget);
      draft.take(std::string_view(text).substr(0, cut));
      draft.take(std::string_view(text).substr(cut));
      const auto sealed = seal(draft);
      REQUIRE(sealed);
      INFO("cut at " << cut);
      REQUIRE(sealed->signing_error == "");
      const std::string sent = text_of(sealed->message);
      REQUIRE(sent.ends_with(text));
      REQUIRE(world::check_signatures(sent, {{"ed", key().public_key()}}) == std::vector<std::string>{"ed pass"});
    }
  }
}

TEST_CASE("a stranger's mail is not signed, nor that of another author") {
  const world::Folder folder;
  BufferBudget budget;
  const std::string ours = messages[0];
  Draft stranger(settings(folder), Origin::stranger, queue::QueueId(1), budget);
  stranger.take(ours);
  CHECK(seal(stranger)->signatures.empty());
  Draft other(settings(folder), Origin::trusted, queue::QueueId(2), budget);
  other.take("From: alice@b.com\r\nSender: alice@a.com\r\n\r\nHello.\r\n");
  CHECK(seal(other)->signatures.empty());
  Draft nobody(settings(folder), Origin::trusted, queue::QueueId(3), budget);
  nobody.take("Subject: no author\r\n\r\nHello.\r\n");
  CHECK(seal(nobody)->signatures.empty());
}

TEST_CASE("every message gets a Received field with its id") {
  const world::Folder folder;
  BufferBudget budget;
  Draft draft(settings(folder), Origin::trusted, queue::QueueId(7), budget);
  draft.take(messages[0]);
  const auto sealed = seal(draft).value();
  CHECK(sealed.message.prefix.starts_with("Received: "));
  CHECK(sealed.message.prefix.find("by relay.example.com") != std::string::npos);
  CHECK(sealed.message.prefix.find(queue::QueueId(7).to_string()) != std::string::npos);
  CHECK(sealed.message.crc == queue::crc32(0, text_of(sealed.message)));
}

TEST_CASE("large content becomes a file and leaves the memory") {
  const world::Folder folder;
  BufferBudget budget;
  const std::string head = "From: alice@a.com\r\nSubject: large\r\n\r\n";
  std::string text = head;
  Draft draft(settings(folder), Origin::trusted, queue::QueueId(9), budget);
  draft.take(head);
  const std::string line = std::string(mail::longest_line, 'x') + "\r\n";
  for (int i = 0; i < 700; ++i) {
    draft.take(line);
    text += line;
    if (!draft.wants_write_out()) continue;
    REQUIRE(draft.write_out(queue::real_disk()));
    draft.written_out();
    CHECK(budget.held() == 0);
  }
  const auto sealed = seal(draft).value();
  CHECK(sealed.signing_error == "");
  REQUIRE(sealed.message.content.is_file());
  CHECK(sealed.message.size() == sealed.message.prefix.size() + text.size());
  const std::string sent = text_of(sealed.message);
  CHECK(sent.ends_with(text));
  CHECK(world::check_signatures(sent, {{"ed", key().public_key()}}) == std::vector<std::string>{"ed pass"});
  CHECK(sealed.message.crc == queue::crc32(0, sent));
}

TEST_CASE("a draft that is given up leaves no file and no debt") {
  const world::Folder folder;
  BufferBudget budget;
  const std::string path = queue::content_path(folder.path(), queue::QueueId(11));
  {
    Draft draft(settings(folder), Origin::trusted, queue::QueueId(11), budget);
    draft.take(std::string(300'000, 'x'));
    REQUIRE(draft.wants_write_out());
    REQUIRE(draft.write_out(queue::real_disk()));
    draft.written_out();
    draft.take("more");
    CHECK(std::filesystem::exists(path));
    CHECK(budget.held() == 4);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(budget.held() == 0);
}

TEST_CASE("a content that changes on the disk is not signed") {
  const world::Folder folder;
  BufferBudget budget;
  const auto with = settings(folder);
  with->config.accept.long_lines = conf::LongLines::pass;
  Draft draft(with, Origin::trusted, queue::QueueId(13), budget);
  draft.take("From: alice@a.com\r\n\r\n" + std::string(300'000, 'x') + "\r\n");
  REQUIRE(draft.write_out(queue::real_disk()));
  draft.written_out();
  {
    const base::Fd file(::open(queue::content_path(folder.path(), queue::QueueId(13)).c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::pwrite(file.get(), "y", 1, 1000) == 1);
  }
  const auto sealed = seal(draft).value();
  CHECK(sealed.signatures.empty());
  CHECK(sealed.signing_error.find("does not verify") != std::string::npos);
}

TEST_CASE("what lacks is added for a trusted client, and signed") {
  const world::Folder folder;
  BufferBudget budget;
  const auto with = settings(folder);
  with->signing_options.oversign = {"From", "Date", "Message-ID"};
  Draft draft(with, Origin::trusted, queue::QueueId(21), budget);
  draft.take(messages[0]);
  const auto sealed = seal(draft).value();
  const std::string sent = text_of(sealed.message);
  CHECK(sent.find("\r\nDate: ") > sent.find("DKIM-Signature"));
  CHECK(sent.find("\r\nMessage-ID: <" + queue::QueueId(21).to_string() + ".") != std::string::npos);
  CHECK(sealed.message.message_id.ends_with("@relay.example.com>"));
  CHECK(sealed.message.crc == queue::crc32(0, sent));
  CHECK(world::check_signatures(sent, {{"ed", key().public_key()}}) == std::vector<std::string>{"ed pass"});
  std::string other = sent;
  other.replace(other.find("\r\nDate: ") + 8, 3, "Xxx");
  CHECK(world::check_signatures(other, {{"ed", key().public_key()}}) != std::vector<std::string>{"ed pass"});
  Draft stranger(with, Origin::stranger, queue::QueueId(22), budget);
  stranger.take(messages[0]);
  CHECK(text_of(seal(stranger)->message).find("Message-ID") == std::string::npos);
}

TEST_CASE("the trace tells of a trusted client what the configuration says") {
  const world::Folder folder;
  const std::string content =
      "Received: from secret\r\n\tby home; date\r\nFrom: alice@a.com\r\nReceived: from deep\r\n\r\nReceived: body\r\n";
  mail::Client client;
  client.helo = "pc.home";
  client.address = "192.0.2.7";
  const auto sent_with = [&](conf::Trace trace, Origin origin, std::size_t cut, std::string& stripped) {
    const auto with = settings(folder);
    with->config.accept.received = trace;
    BufferBudget budget;
    Draft draft(with, origin, queue::QueueId(23), budget);
    draft.take(content.substr(0, cut));
    draft.take(content.substr(cut));
    draft.finish();
    CHECK(draft.hops() == 2);
    stripped = draft.stripped().values;
    const auto sealed = draft.seal(queue::real_disk(), envelope(), client, base::now()).value();
    CHECK(sealed.signing_error == "");
    CHECK(sealed.signatures.size() == (origin == Origin::trusted ? 1 : 0));
    return text_of(sealed.message);
  };
  std::string stripped;
  const std::string full = sent_with(conf::Trace::full, Origin::trusted, 5, stripped);
  CHECK(full.starts_with("Received: from pc.home ([192.0.2.7])"));
  CHECK(full.ends_with(content));
  CHECK(stripped.empty());
  const std::string hidden = sent_with(conf::Trace::hidden, Origin::trusted, 5, stripped);
  CHECK(hidden.starts_with("Received: by relay.example.com (mailferry) with "));
  CHECK(hidden.find("192.0.2.7") == std::string::npos);
  CHECK(hidden.ends_with(content));
  for (std::size_t cut = 0; cut <= content.size(); ++cut) {
    const std::string bare = sent_with(conf::Trace::strip, Origin::trusted, cut, stripped);
    REQUIRE(bare.ends_with("\r\nFrom: alice@a.com\r\n\r\nReceived: body\r\n"));
    REQUIRE(bare.find("home") == std::string::npos);
    REQUIRE(stripped == "from secret\tby home; date | from deep");
  }
  CHECK(sent_with(conf::Trace::strip, Origin::stranger, 5, stripped).ends_with(content));
}

TEST_CASE("long lines are re-encoded before signing, in memory and in a file") {
  const world::Folder folder;
  const std::size_t lines = GENERATE(1, 100, 400);
  std::string text = "From: alice@a.com\r\n\r\n";
  for (std::size_t i = 0; i < lines; ++i) text += std::string(2000, 'x') + "\r\n";
  const auto deliver = [&](const std::string& content, Origin origin, conf::LongLines policy) {
    const auto with = settings(folder);
    with->config.accept.long_lines = policy;
    BufferBudget budget;
    Draft draft(with, origin, queue::QueueId(31), budget);
    for (std::string_view rest = content; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(rest.size(), 5000))) {
      draft.take(rest.substr(0, 5000));
      if (!draft.wants_write_out()) continue;
      REQUIRE(draft.write_out(queue::real_disk()));
      draft.written_out();
    }
    auto sealed = seal(draft).value();
    CHECK(sealed.signing_error == "");
    CHECK(sealed.message.content.is_file() == (sealed.message.content.size() > queue::content_in_row_limit));
    return sealed;
  };
  const auto sealed = deliver(text, Origin::trusted, conf::LongLines::reencode);
  const std::string sent = text_of(sealed.message);
  CHECK(sealed.reencoded);
  CHECK_FALSE(sealed.has_long_lines);
  mail::LineLengths lengths;
  lengths.feed(sent);
  CHECK(lengths.longest() <= mail::longest_line);
  CHECK(sent.find("\r\nContent-Transfer-Encoding: quoted-printable\r\n") != std::string::npos);
  CHECK(sealed.message.crc == queue::crc32(0, sent));
  CHECK(world::check_signatures(sent, {{"ed", key().public_key()}}) == std::vector<std::string>{"ed pass"});
  const std::string path = queue::content_path(folder.path(), queue::QueueId(31));
  CHECK_FALSE(std::filesystem::exists(path + std::string(queue::aside_suffix)));
  CHECK(std::filesystem::exists(path) == sealed.message.content.is_file());
  for (const auto& [content, origin, policy] :
       {std::tuple(text, Origin::stranger, conf::LongLines::reencode), std::tuple(text, Origin::trusted, conf::LongLines::pass),
        std::tuple("DKIM-Signature: v=1\r\n" + text, Origin::trusted, conf::LongLines::reencode)}) {
    std::filesystem::remove(path);
    const auto passed = deliver(content, origin, policy);
    CHECK(passed.has_long_lines);
    CHECK_FALSE(passed.reencoded);
    CHECK(text_of(passed.message).ends_with(content));
  }
}
