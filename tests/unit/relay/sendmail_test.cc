// send and sendmail, as programs run them.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "dkim/crypto.h"
#include "tests/catch.h"
#include "tests/unit/relay/program.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.org", {"127.0.0.1"}}});

/// A relay that trusts no address, its configuration in a file, and the program under its other names.
class Host {
 public:
  Host() : config_(config_in(folder_, sink_.port())) {
    config_.accept.mynetworks.clear();
    conf::Config written = config_;
    written.listen[0].address.port = free_port();
    written.retry.delays = {std::chrono::hours(1)};
    REQUIRE(base::write_file_durably(folder_ / "mailferry.toml", conf::show_config(written), 0600));
    for (const char* name : {"sendmail", "mailq", "newaliases"})
      std::filesystem::create_symlink(MAILFERRY_PROGRAM, folder_ / name);
  }

  void start() { relay_ = std::make_unique<Relay>(config_, example); }
  void stop() { relay_.reset(); }
  Relay& relay() { return *relay_; }
  Sink& sink() { return sink_; }
  conf::Config& config() { return config_; }

  Ran run(const std::string& program, const std::string& arguments, const std::string& input) {
    REQUIRE(base::write_file_durably(folder_ / "input", input, 0600));
    return run_command(program + " " + arguments + " <" + (folder_ / "input") + " 2>&1");
  }
  Ran sendmail(const std::string& arguments, const std::string& input) {
    return run(folder_ / "sendmail", "-C " + (folder_ / "mailferry.toml") + " " + arguments, input);
  }
  Ran send(const std::string& arguments, const std::string& input) {
    return run(MAILFERRY_PROGRAM, "send -c " + (folder_ / "mailferry.toml") + " " + arguments, input);
  }
  Ran called(const std::string& name, const std::string& arguments) { return run(folder_ / name, arguments, ""); }

  Arrival arrival() {
    REQUIRE(eventually([this] { return !sink_.arrivals().empty(); }));
    return sink_.arrivals().back();
  }

 private:
  Folder folder_;
  Sink sink_;
  conf::Config config_;
  std::unique_ptr<Relay> relay_;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

constexpr const char* letter = "From: ann@client.example\nTo: Bob <bob@example.net>\nSubject: x\n\nHello.\n.dot\n";

}  // namespace

TEST_CASE("sendmail -t hands in mail with the recipients of its header") {
  Host host;
  host.start();
  const Ran ran = host.sendmail("-t -i -f ann@client.example", "Bcc: carol@example.net\n" + std::string(letter));
  CHECK(ran.output.empty());
  REQUIRE(ran.code == 0);
  const Arrival arrival = host.arrival();
  CHECK(arrival.mail.starts_with("MAIL FROM:<ann@client.example>"));
  CHECK(arrival.rcpts.size() == 2);
  CHECK_FALSE(contains(arrival.content, "carol"));
  CHECK(contains(arrival.content, "\r\nMessage-ID: <"));
  CHECK(arrival.content.ends_with("\r\n\r\nHello.\r\n.dot\r\n"));
}

TEST_CASE("without options sendmail writes the sender of who calls it") {
  Host host;
  host.start();
  REQUIRE(host.sendmail("-F 'Ann Example' bob@example.net", "Good morning\n.\nnot this\n").code == 0);
  const Arrival arrival = host.arrival();
  CHECK(contains(arrival.mail, "@relay.example.com>"));
  CHECK(contains(arrival.content, "\r\nFrom: \"Ann Example\" <"));
  CHECK(arrival.content.ends_with("\r\n\r\nGood morning\r\n"));
}

TEST_CASE("local mail is signed like all other") {
  Host host;
  sign_with(host.config(), dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).to_pem(), "*", "%", "ed");
  host.start();
  CHECK(host.sendmail("bob@example.net", letter).code == 0);
  CHECK(contains(host.arrival().content, "DKIM-Signature:"));
  CHECK(host.relay().logs("signed"));
}

TEST_CASE("sendmail passes on what its caller wants to be told") {
  Host host;
  host.start();
  REQUIRE(host.sendmail("-N success,delay -R hdrs -V 'order 7' -f ann@client.example bob@example.org", letter).code == 0);
  CHECK(host.relay().empties());
  CHECK(host.relay().logs("delivered"));
}

TEST_CASE("send takes addresses beyond ASCII") {
  Host host;
  host.sink().script([](const Said& said) -> std::optional<std::string> {
    if (said.verb != "EHLO") return std::nullopt;
    return "250-mx1.example.net\r\n250 SMTPUTF8";
  });
  host.start();
  REQUIRE(host.send("- -f jürgen@client.example 用户@example.net", letter).code == 0);
  const Arrival arrival = host.arrival();
  CHECK(arrival.mail.starts_with("MAIL FROM:<jürgen@client.example>"));
  CHECK(arrival.rcpts == std::vector<std::string>{"RCPT TO:<用户@example.net>"});
}

TEST_CASE("send hands in a file") {
  Host host;
  host.start();
  REQUIRE(host.send("- -f '<>' bob@example.net carol@example.org", letter).code == 0);
  REQUIRE(host.relay().empties());
  CHECK(host.sink().arrivals().size() == 2);
  CHECK(host.arrival().mail.starts_with("MAIL FROM:<>"));
  CHECK(host.send("/no/such/file -f ann@client.example bob@example.net", letter).code == 66);
  CHECK(host.send("-", letter).code == 2);
}

TEST_CASE("the exit code says whether to come again") {
  Host host;
  CHECK(host.sendmail("bob@example.net", letter).code == 75);
  CHECK(host.sendmail("-bs", "QUIT\r\n").code == 75);
  CHECK(contains(host.send("- -f a@client.example bob@example.net", letter).output, "mailferry is not running"));
  host.start();
  CHECK(host.sendmail("", letter).code == 64);
  CHECK(host.sendmail("-Z bob@example.net", letter).code == 64);
  CHECK(host.sendmail("-t", "Subject: x\n\nhi\n").code == 65);
  CHECK(host.sendmail("-t", "To: bob carol\n\nhi\n").code == 65);
  CHECK(host.sendmail("bob@example..net", letter).code == 65);
  const Ran refused = host.sendmail("bob@example.net nobody@relay.example.com", letter);
  CHECK(refused.code == 67);
  CHECK(contains(refused.output, "<nobody@relay.example.com>: 550 5.1.1"));
  CHECK(host.relay().rows().empty());
  CHECK(host.sink().arrivals().empty());
}

TEST_CASE("a message that the relay refuses is the caller's fault, a full disk is not") {
  Host host;
  host.config().accept.message_size = base::Bytes{64U << 10U};
  host.config().dkim.unsigned_mail = conf::Unsigned::reject;
  host.start();
  CHECK(host.sendmail("bob@example.net", letter + std::string(70'000, 'x') + "\n").code == 65);
  CHECK(host.sendmail("bob@example.net", letter).code == 69);
  host.stop();
  host.config().accept.min_free_space = base::Bytes{1ULL << 60U};
  host.start();
  CHECK(eventually([&] { return host.sendmail("bob@example.net", letter).code == 75; }));
}

TEST_CASE("sendmail -bs is a conversation with the relay") {
  Host host;
  host.start();
  const Ran ran = host.sendmail("-bs",
                                "EHLO x\r\nMAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n"
                                "From: ann@client.example\r\n\r\nHello.\r\n.\r\nQUIT\r\n");
  CHECK(ran.code == 0);
  CHECK(ran.output.starts_with("220 relay.example.com"));
  CHECK(contains(ran.output, "queued as"));
  CHECK(contains(ran.output, "221 2.0.0"));
  CHECK(host.arrival().content.ends_with("Hello.\r\n"));
}

TEST_CASE("mailq and newaliases are there for those who call them") {
  Host host;
  host.start();
  CHECK(host.called("newaliases", "").code == 0);
  const Ran list = host.sendmail("-bp", "");
  CHECK(list.code == 0);
  CHECK(contains(list.output, "no message"));
}

TEST_CASE("where there is no submit socket that is said, not that the relay is down") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.listen[0].address.port = free_port();
  config.retry.delays = {std::chrono::hours(1)};
  config.admin.submit.clear();
  REQUIRE(base::write_file_durably(folder / "mailferry.toml", conf::show_config(config), 0600));
  std::filesystem::create_symlink(MAILFERRY_PROGRAM, folder / "sendmail");
  const std::string sendmail = (folder / "sendmail") + " -C " + (folder / "mailferry.toml");
  for (const char* arguments : {" bob@example.net", " -bs"}) {
    const Ran ran = run_command(sendmail + arguments + " 2>&1 </dev/null");
    CHECK(ran.code == 69);
    CHECK(ran.tells("takes no local mail"));
  }
}
