// Signatures on mail of strangers are verified, and what they are worth stands first in the message (dkim.mode = "verify").
#include "relay/intake/verification.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "dkim/header_hash.h"
#include "dns/resolver.h"
#include "relay/daemon.h"
#include "relay/intake/draft.h"
#include "tests/catch.h"
#include "tests/unit/relay/signed_message.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using dns::RecordType;
using queue::Origin;
using relay::intake::BufferBudget;
using relay::intake::Draft;

const dkim::PrivateKey& key() {
  static const dkim::PrivateKey made = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  return made;
}

/// A message signed by a.com; `tags` are more of the signature's ("l=10; "), `names` its h=.
std::string signed_mail(const std::string& message, const std::string& selector = "us", const std::string& tags = "",
                        const std::string& names = "From:Subject") {
  mail::HeaderBlock header;
  const std::size_t head = header.feed(message);
  header.finish();
  dkim::BodyHash body(dkim::Canonicalization::relaxed);
  body.update(header.held_back());
  body.update(std::string_view(message).substr(head));
  const dkim::Digest hash = body.finish();
  const std::string_view octets(reinterpret_cast<const char*>(hash.data()), hash.size());
  const std::string field =
      fmt::format("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.com; s={}; {}h={}; bh={};\r\n b=", selector,
                  tags, names, base::base64_encode(octets));
  std::vector<std::string> list;
  for (const std::string_view name : base::split(names, ':')) list.emplace_back(name);
  const auto signature = key().sign(dkim::header_hash(dkim::Canonicalization::relaxed, header, list, field));
  return field + base::base64_encode(signature.value()) + "\r\n" + message;
}

const std::string plain = message("alice@a.com", "hello");

void publish(dns::StaticResolver& resolver) {
  resolver.add("us._domainkey.a.com", RecordType::txt, key().public_record());
  resolver.add("two._domainkey.a.com", RecordType::txt, key().public_record());
  resolver.add("strange._domainkey.a.com", RecordType::txt, std::string("v=DKIM1; k=ed25519; p=AAAA"));
  resolver.fail("down._domainkey.a.com", RecordType::txt);
}

World with_keys() {
  return [](dns::StaticResolver& resolver) {
    zones({{"example.com", {"127.0.0.1"}}})(resolver);
    publish(resolver);
  };
}

/// DNS that knows hosts, and says nothing of keys until it ends.
class SilentAboutKeys final : public dns::Resolver {
 public:
  SilentAboutKeys() { zones({{"example.com", {"127.0.0.1"}}})(hosts_); }
  ~SilentAboutKeys() override {
    for (dns::Callback& done : waiting_) done(base::fail(base::Kind::cancelled, "the resolver has ended"));
  }
  void query(std::string name, RecordType type, dns::Callback done) override {
    if (type != RecordType::txt) return hosts_.query(std::move(name), type, std::move(done));
    waiting_.push_back(std::move(done));
  }
  void query_afresh(std::string name, RecordType type, dns::Callback done) override {
    query(std::move(name), type, std::move(done));
  }

 private:
  dns::StaticResolver hosts_;
  std::vector<dns::Callback> waiting_;
};

/// Only 127.0.0.9 is trusted.
conf::Config config_for(const Folder& folder, std::uint16_t port, conf::DkimMode mode) {
  conf::Config config = config_in(folder, port);
  config.accept.mynetworks = {base::Cidr::parse("127.0.0.9").value()};
  config.dkim.mode = mode;
  sign_with(config, key().to_pem(), "*@a.com", "a.com", "us");
  return config;
}

Pace quick() {
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  return pace;
}

/// Mail goes from a stranger or a trusted client to postmaster, and on to a sink.
class House {
 public:
  explicit House(conf::DkimMode mode = conf::DkimMode::sign_and_verify)
      : config_(config_for(folder_, sink_.port(), mode)), relay_(config_, with_keys(), quick()) {}

  Relay& relay() { return relay_; }
  /// What arrives of it.
  std::string from_stranger(const std::string& content) { return arrival("127.0.0.1", content); }
  std::string from_trusted(const std::string& content) { return arrival("127.0.0.9", content); }

 private:
  std::string arrival(const std::string& source, const std::string& content) {
    Client client = Client::from(source, relay_.port());
    client.ehlo();
    const std::string reply = client.send("alice@a.com", {"postmaster"}, content);
    INFO(reply);
    REQUIRE(reply.starts_with("250 2.0.0 "));
    REQUIRE(sink_.receives(++sent_));
    return sink_.arrivals().back().content;
  }

  Folder folder_;
  Sink sink_;
  conf::Config config_;
  Relay relay_;
  std::size_t sent_ = 0;
};

/// The first field, without folds; empty when it is another.
std::string results_in(const std::string& content) {
  mail::HeaderBlock header;
  header.feed(content);
  header.finish();
  const mail::Field& first = header.fields().at(0);
  return first.name == "Authentication-Results" ? mail::unfold(first.value) : std::string();
}

std::string changed(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a stranger's signature is verified, and the result stands above our Received") {
  House house;
  const std::string sent = signed_mail(plain);
  const std::string content = house.from_stranger(sent);
  CHECK(content.ends_with("\r\n" + sent));
  CHECK(content.find("\r\nReceived: ") < content.find("\r\nDKIM-Signature: "));
  const std::string signature = sent.substr(sent.find(" b=") + 3, 8);
  const std::string shown = signature.find('/') == std::string::npos ? signature : '"' + signature + '"';
  CHECK(results_in(content) ==
        "relay.example.com; dkim=pass header.d=a.com header.s=us header.a=ed25519-sha256 header.b=" + shown);
  CHECK(house.relay().logs("d=a.com s=us result=pass reason=\"\""));
}

TEST_CASE("what a signature is worth, in a word and with its reason") {
  House house;
  const auto result_of = [&](const std::string& sent) {
    const std::string results = results_in(house.from_stranger(sent));
    return results.substr(0, results.find(" header."));
  };
  const std::string sent = signed_mail(plain);
  CHECK(result_of(plain) == "relay.example.com; dkim=none");
  CHECK(result_of(changed(sent, "Hello", "Jello")) == "relay.example.com; dkim=fail reason=\"the body hash does not match\"");
  CHECK(result_of(changed(sent, "hello", "jello")) == "relay.example.com; dkim=fail reason=\"the signature does not match\"");
  CHECK(result_of(signed_mail(plain, "us", "t=1; x=2; ")) ==
        "relay.example.com; dkim=fail reason=\"the signature has expired (x=)\"");
  CHECK(result_of(signed_mail(plain, "nobody")) == "relay.example.com; dkim=permerror reason=\"there is no key record\"");
  CHECK(result_of(signed_mail(plain, "strange")).starts_with("relay.example.com; dkim=permerror reason="));
  CHECK(result_of(signed_mail(plain, "down")) ==
        "relay.example.com; dkim=temperror reason=\"the key record cannot be had: DNS: SERVFAIL\"");
  CHECK(result_of(changed(sent, "v=1", "v=2")) == "relay.example.com; dkim=neutral reason=\"v= is not 1\"");
  CHECK(result_of(changed(sent, "a=ed25519-sha256", "a=rsa-sha1")).starts_with("relay.example.com; dkim=permerror reason="));
}

TEST_CASE("each signature has its result, from top to bottom") {
  House house;
  const std::string sent = signed_mail(signed_mail(signed_mail(plain), "nobody"), "two", "l=99999; ");
  const std::string results = results_in(house.from_stranger(sent));
  const auto parts = base::split(results, ';');
  REQUIRE(parts.size() == 4);
  CHECK(parts[1].starts_with(" dkim=fail reason=\"the body is shorter than l= says\" header.d=a.com header.s=two "));
  CHECK(parts[2].starts_with(" dkim=permerror reason=\"there is no key record\" header.d=a.com header.s=nobody "));
  CHECK(parts[3].starts_with(" dkim=pass header.d=a.com header.s=us "));
  CHECK(house.relay().count_in_log(" verified id=") == 3);
}

TEST_CASE("a field that pretends to be ours is taken away, and the signature over it is judged as it came") {
  House house;
  const std::string forged = "Authentication-Results: relay.example.com; dkim=pass header.d=bank.example\r\n";
  const std::string other = "Authentication-Results: mx.example.net; dkim=pass header.d=b.com\r\n";
  const std::string sent = signed_mail(forged + other + plain, "us", "", "From:Authentication-Results:Authentication-Results");
  const std::string content = house.from_stranger(sent);
  CHECK(results_in(content).starts_with("relay.example.com; dkim=pass header.d=a.com header.s=us "));
  CHECK(content.ends_with("\r\n" + changed(sent, forged, "")));
  CHECK(content.find("bank.example") == std::string::npos);
  CHECK(house.relay().logs("authentication-results=\"relay.example.com; dkim=pass header.d=bank.example\""));
}

TEST_CASE("mail of trusted clients is signed, not verified, and keeps what it brings") {
  House house;
  const std::string ours = "Authentication-Results: relay.example.com; dkim=pass header.d=b.com\r\n";
  const std::string sent = ours + signed_mail(plain, "nobody");
  const std::string content = house.from_trusted(sent);
  CHECK(content.starts_with("Received: "));
  CHECK(content.ends_with(sent));
  CHECK(check_signatures(content, {{"us", key().public_key()}}) == std::vector<std::string>{"us pass", "nobody has no key"});
  CHECK(house.relay().count_in_log(" verified id=") == 0);
}

TEST_CASE("mode sign leaves mail of strangers alone") {
  House house(conf::DkimMode::sign);
  const std::string sent = "Authentication-Results: relay.example.com; dkim=pass\r\n" + signed_mail(plain);
  const std::string content = house.from_stranger(sent);
  CHECK(content.starts_with("Received: "));
  CHECK(content.ends_with("\r\n" + sent));
  CHECK(check_signatures(house.from_trusted(plain), {{"us", key().public_key()}}) == std::vector<std::string>{"us pass"});
}

TEST_CASE("mode verify does not sign") {
  House house(conf::DkimMode::verify);
  CHECK(house.from_trusted(plain).find("DKIM-Signature") == std::string::npos);
  CHECK(results_in(house.from_stranger(signed_mail(plain))).starts_with("relay.example.com; dkim=pass "));
}

TEST_CASE("a resolver that says nothing delays mail for a while and refuses none") {
  const Folder folder;
  Sink sink;
  Pace pace = quick();
  pace.limits.keys = Milliseconds(2000);
  conf::Config config = config_for(folder, sink.port(), conf::DkimMode::verify);
  config.accept.commands_timeout = Milliseconds(1000);  // nothing cuts the session while it waits
  Relay relay(std::make_unique<SilentAboutKeys>(), config, {}, pace);
  Client client = relay.client();
  client.wire().write("EHLO a.com\r\nMAIL FROM:<alice@a.com>\r\nRCPT TO:<postmaster>\r\nDATA\r\n");
  for (int i = 0; i < 3; ++i) client.wire().read_reply();
  REQUIRE(client.wire().read_reply().starts_with("354"));
  CHECK(client.send_content(signed_mail(plain)).starts_with("250 2.0.0 "));
  REQUIRE(sink.receives(1));
  CHECK(results_in(sink.arrivals()[0].content)
            .starts_with("relay.example.com; dkim=temperror reason=\"the key record cannot be had: no answer in time\" "));
}

namespace {

std::shared_ptr<relay::Settings> settings(const Folder& folder) {
  REQUIRE(base::make_directories(queue::content_folder(folder.path())));  // as the store does
  auto settings = std::make_shared<relay::Settings>();
  settings->config = conf::defaults();
  settings->config.hostname = "relay.example.com";
  settings->config.spool = folder.path();
  return settings;
}

/// Sealed with the keys that publish() has.
relay::intake::Sealed seal(Draft& draft) {
  draft.finish();
  dns::StaticResolver resolver;
  publish(resolver);
  std::vector<relay::Question> questions = draft.key_questions();
  relay::Answers answers;
  for (const relay::Question& question : questions) {
    resolver.query(question.name, question.type, [&](auto answer) { answers.push_back(std::move(answer)); });
  }
  draft.answer(std::move(questions), std::move(answers));
  mail::Envelope envelope;
  envelope.recipients.emplace_back(mail::Mailbox("bob", "example.net"));
  return draft.seal(queue::real_disk(), std::move(envelope), mail::Client(), base::now()).value();
}

std::string text_of(const queue::Content& content) {
  std::string text;
  auto reader = queue::ContentReader::open(content).value();
  std::string piece(4096, '\0');
  for (std::size_t count = reader.read(piece).value(); count > 0; count = reader.read(piece).value())
    text += piece.substr(0, count);
  return text;
}

}  // namespace

TEST_CASE("a message cut anywhere is verified as a whole, and a false field is taken out of it") {
  const Folder folder;
  const auto with = settings(folder);
  const std::string forged = "Authentication-Results: relay.example.com;\r\n dkim=pass\r\n";
  for (const std::string rest : {"From: alice@a.com\r\nSubject: plain\r\n\r\nBody  with   blanks \r\n\r\nend\r\n",
                                 "From: alice@a.com\r\nSubject: no body\r\n", "From: alice@a.com\r\n\r\n",
                                 "From: alice@a.com\r\nSubject: no separator\r\nthis line is body already\r\nmore\r\n"}) {
    const std::string text = signed_mail(forged + rest);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      BufferBudget budget;
      Draft draft(with, Origin::stranger, queue::QueueId(cut + 1), budget);
      draft.take(std::string_view(text).substr(0, cut));
      draft.take(std::string_view(text).substr(cut));
      const auto sealed = seal(draft);
      INFO(text << "cut at " << cut);
      REQUIRE(sealed.verified.size() == 1);
      REQUIRE(sealed.verified[0].reason == "");
      REQUIRE(sealed.verified[0].verdict == dkim::Verdict::pass);
      REQUIRE(text_of(sealed.message.content) == changed(text, forged, ""));
      REQUIRE(sealed.message.crc == queue::crc32(0, sealed.message.prefix + text_of(sealed.message.content)));
    }
  }
}

TEST_CASE("content that is written to a file is verified when it is read back") {
  const Folder folder;
  std::string body;
  for (int i = 0; i < 700; ++i) body += std::string(998, 'x') + "\r\n";
  const std::string forged = "Authentication-Results: relay.example.com; dkim=pass\r\n";
  const std::string good = signed_mail(forged + message("alice@a.com", "large", body));
  const bool damage = GENERATE(false, true);
  const std::string text = damage ? changed(good, "xxx\r\nxxx", "xxx\r\nxyx") : good;
  BufferBudget budget;
  Draft draft(settings(folder), Origin::stranger, queue::QueueId(1), budget);
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(rest.size(), 10'000))) {
    draft.take(rest.substr(0, 10'000));
    if (!draft.wants_write_out()) continue;
    REQUIRE(draft.write_out(queue::real_disk()));
    draft.written_out();
    CHECK(budget.held() == 0);
  }
  const auto sealed = seal(draft);
  REQUIRE(sealed.message.content.is_file());
  CHECK(sealed.verified.at(0).verdict == (damage ? dkim::Verdict::fail : dkim::Verdict::pass));
  CHECK(text_of(sealed.message.content) == changed(text, forged, ""));
}

TEST_CASE("many signatures have as many results as are judged, and one more that says so") {
  const Folder folder;
  std::string text = plain;
  for (int i = 0; i < 30; ++i) text = signed_mail(text);
  BufferBudget budget;
  Draft draft(settings(folder), Origin::stranger, queue::QueueId(1), budget);
  draft.take(text);
  CHECK(draft.key_questions().size() <= 1);
  const auto sealed = seal(draft);
  REQUIRE(sealed.verified.size() == dkim::MessageVerifier::max_signatures + 1);
  CHECK(sealed.verified[19].verdict == dkim::Verdict::pass);
  CHECK(sealed.verified[20].verdict == dkim::Verdict::policy);
  CHECK(sealed.message.prefix.find("dkim=policy reason=\"only the first 20 signatures are judged\"") != std::string::npos);
}
