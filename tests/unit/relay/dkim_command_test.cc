// dkim keygen, sign and verify, and records, as an admin calls them.
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <mutex>

#include "base/file.h"
#include "conf/config.h"
#include "dkim/crypto.h"
#include "tests/catch.h"
#include "tests/unit/dns/packet.h"
#include "tests/unit/dns/server.h"
#include "tests/unit/relay/program.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
namespace json = boost::json;

Ran run(const std::string& arguments) { return run_command(std::string(MAILFERRY_PROGRAM) + " " + arguments); }

bool contains(const Ran& ran, std::string_view text) { return ran.tells(text); }

std::string pieces_of(std::string_view text) {
  std::string data;
  for (std::size_t at = 0; at < text.size(); at += 255) data += dns_test::text_data(text.substr(at, 255));
  return data;
}

/// A folder with a key and a configuration that signs with it, and a DNS server that has its record.
class Signer {
 public:
  Signer()
      : key_(run(fmt::format("dkim keygen --json --domain Example.com --selector us --out {}", (folder_.path() + "/keys")))) {
    REQUIRE(key_.code == 0);
    const json::object made = json::parse(key_.output).as_object();
    name = made.at("name").as_string().c_str();
    record = made.at("value").as_string().c_str();
    published_ = record;
    path = made.at("key").as_string().c_str();
    conf::Config config = config_in(folder_, 1);
    config.dkim.sign = {conf::DkimSign{"*@example.com", "example.com", "us", path, "", ""}};
    config.delivery.bind_ipv4 = "34.56.78.90";
    config.listen[0].address.port = free_port();
    config.retry.delays = {std::chrono::hours(1)};
    REQUIRE(base::write_file_durably(config_path(), conf::show_config(config), 0600));
    server_ = std::make_unique<dns_test::Server>([this](const std::string& question, dns_test::Transport) {
      const std::lock_guard lock(mutex_);
      auto reply = dns_test::Packet::reply_to(question);
      if (silent_) return std::vector<std::string>{reply.rcode(2).octets()};
      if (published_.empty()) return std::vector<std::string>{reply.rcode(3).octets()};
      return std::vector<std::string>{
          reply.answer(dns_test::rr(dns_test::to_question, dns_test::txt, 60, pieces_of(published_))).octets()};
    });
  }

  std::string config_path() const { return (folder_.path() + "/mailferry.toml"); }
  std::string file(const std::string& file_name, const std::string& text) const {
    const std::string file_path = folder_.path() + "/" + file_name;
    REQUIRE(base::write_file_durably(file_path, text, 0600));
    return file_path;
  }
  Ran sign(const std::string& message_path) const { return run(fmt::format("dkim sign {} -c {}", message_path, config_path())); }
  Ran verify(const std::string& message_path, const std::string& options = "") const {
    return run(fmt::format("dkim verify {} --dns {} {} 2>&1", message_path, base::to_string(server_->endpoint()), options));
  }

  std::string name;
  std::string record;
  std::string path;

  /// What DNS says from now on: SERVFAIL, or the record ("": none).
  void fall_silent() { change("", true); }
  void publish(const std::string& text) { change(text, false); }

 private:
  void change(const std::string& text, bool silent) {
    const std::lock_guard lock(mutex_);
    published_ = text;
    silent_ = silent;
  }

  Folder folder_;
  Ran key_;
  std::mutex mutex_;  ///< the DNS server has a thread of its own
  std::string published_;
  bool silent_ = false;
  std::unique_ptr<dns_test::Server> server_;
};

const std::string letter =
    "From: Ann <ann@example.com>\nTo: bob@example.net\nSubject: hi\nDate: Tue, 24 Nov 2026 12:00:00 +0000\n\nhello\n";

}  // namespace

TEST_CASE("keygen makes a key that nobody else can read, and says what to publish") {
  const Signer signer;
  struct stat status{};
  REQUIRE(::stat(signer.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600U);
  CHECK(signer.name == "us._domainkey.example.com");
  CHECK(signer.record == dkim::PrivateKey::from_pem(base::read_file(signer.path).value()).value().public_record());
  CHECK(signer.path.ends_with("/keys/us.example.com.pem"));
}

TEST_CASE("keygen never overwrites a key, and refuses what can be no name") {
  const Folder folder;
  const std::string out = " --out " + (folder.path() + "/keys") + " 2>&1";
  CHECK(run("dkim keygen --domain a.com --selector s1 --type ed25519 --test" + out).code == 0);
  const std::string first = base::read_file((folder.path() + "/keys/s1.a.com.pem")).value();
  const Ran again = run("dkim keygen --domain a.com --selector s1" + out);
  CHECK(again.code == 1);
  CHECK(contains(again, "exists already"));
  CHECK(base::read_file((folder.path() + "/keys/s1.a.com.pem")).value() == first);
  CHECK(run("dkim keygen --domain 'a com' --selector s1" + out).code == 2);
  CHECK(run("dkim keygen --domain a.com --selector ../s1" + out).code == 2);
  CHECK(run("dkim keygen --domain a.com --selector s2 --bits 512" + out).code == 2);
}

TEST_CASE("keygen prints name, type and value as forms ask for them, and strings for a zone file") {
  const Folder folder;
  const Ran ran = run("dkim keygen --domain mydomain.com --selector us --test --out " + (folder.path() + "/keys"));
  CHECK(contains(ran, "记录名 name   us._domainkey "));
  CHECK(contains(ran, "v=DKIM1; k=rsa; p="));
  CHECK(contains(ran, "; t=y"));
  CHECK(contains(ran, "us._domainkey.mydomain.com. IN TXT ( \"v=DKIM1; k=rsa; p="));
}

TEST_CASE("what sign signs, verify passes, in the line ends that it came with") {
  const Signer signer;
  for (const bool cr_lf : {false, true}) {
    std::string text = letter;
    if (cr_lf) {
      for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, 1, '\r');
    }
    const Ran signed_message = signer.sign(signer.file("message", text));
    REQUIRE(signed_message.code == 0);
    CHECK(signed_message.output.ends_with(text));
    CHECK((signed_message.output.find('\r') != std::string::npos) == cr_lf);
    const Ran verdict = signer.verify(signer.file("signed", signed_message.output));
    CHECK(verdict.output == "pass d=example.com s=us\n");
    CHECK(verdict.code == 0);
  }
}

TEST_CASE("verify passes over the line that an mbox file puts in front of a message, and over no field") {
  const Signer signer;
  const std::string signed_text = signer.sign(signer.file("message", letter)).output;
  CHECK(signer.verify(signer.file("mbox", "From ann@example.com Tue Nov 24 12:00:00 2026\n" + signed_text)).code == 0);
  CHECK(signer.verify(signer.file("field", "From : eve@example.com\n" + signed_text)).output ==
        "fail d=example.com s=us the signature does not match\n");
}

TEST_CASE("verify says why not, and its exit code is 1") {
  Signer signer;
  const std::string signed_text = signer.sign(signer.file("message", letter)).output;
  const Ran changed = signer.verify(signer.file("changed", signed_text + "more\n"));
  CHECK(changed.output == "fail d=example.com s=us the body hash does not match\n");
  CHECK(changed.code == 1);
  const std::string signed_path = signer.file("signed", signed_text);
  signer.fall_silent();
  CHECK(signer.verify(signed_path).output.starts_with("temperror d=example.com s=us"));
  signer.publish("");
  CHECK(signer.verify(signed_path).output == "permerror d=example.com s=us there is no key record\n");
  const Ran unsigned_mail = signer.verify(signer.file("unsigned", letter));
  CHECK(unsigned_mail.code == 1);
  CHECK(contains(unsigned_mail, "no DKIM-Signature"));
}

TEST_CASE("verify --json has the shape that scripts rely on") {
  const Signer signer;
  const std::string signed_text = signer.sign(signer.file("message", letter)).output;
  const Ran ran = signer.verify(signer.file("signed", signed_text), "--json");
  const json::object all = json::parse(ran.output).as_object();
  const json::object one = all.at("signatures").as_array().at(0).as_object();
  CHECK(one.at("result") == "pass");
  CHECK(one.at("domain") == "example.com");
  CHECK(one.at("selector") == "us");
  CHECK(one.at("algorithm") == "rsa-sha256");
  CHECK(one.at("reason") == "");
  const Ran unsigned_mail = signer.verify(signer.file("unsigned", letter), "--json");
  CHECK(unsigned_mail.output == "{\"signatures\":[]}\n");
}

TEST_CASE("sign refuses what no rule is for") {
  const Signer signer;
  CHECK(signer.sign(signer.file("message", "From: eve@example.org\n\nhi\n")).code == 1);
  CHECK(signer.sign(signer.file("message", "Subject: nobody\n\nhi\n")).code == 1);
  CHECK(run("dkim sign /does/not/exist -c " + signer.config_path() + " 2>&1").code == 1);
}

TEST_CASE("records prints what to publish in four forms") {
  const Signer signer;
  const std::string command = "records -c " + signer.config_path();
  CHECK(contains(run(command), "us._domainkey.example.com\nTXT " + signer.record));
  CHECK(contains(run(command + " --format table"), "记录名 name   _dmarc\n"));
  CHECK(contains(run(command + " --format bind"), "us._domainkey.example.com. IN TXT ( \"v=DKIM1"));
  const json::array all = json::parse(run(command + " --json").output).as_array();
  CHECK_FALSE(all.empty());
  CHECK(contains(run(command + " b.example"), "v=spf1 mx include:example.com ~all"));
  CHECK_FALSE(contains(run(command + " b.example"), "\n_dmarc.example.com\n"));
}
