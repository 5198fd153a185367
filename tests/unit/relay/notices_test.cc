// What senders and the postmaster are told, what is in it, and who is told nothing.
#include <algorithm>
#include <atomic>
#include <optional>

#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"
#include "tests/unit/relay/signed_message.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

const World example = zones({{"example.net", {"127.0.0.1"}},
                             {"example.org", {"127.0.0.1"}},
                             {"client.example", {"127.0.0.1"}},
                             {"example.com", {"127.0.0.1"}}});
constexpr Milliseconds never = std::chrono::hours(1);
constexpr Milliseconds a_while(400);

/// Refuses these commands for good, others as they come.
Sink::Script refuse(std::vector<std::pair<std::string, std::string>> lines) {
  return [lines = std::move(lines)](const Said& said) -> std::optional<std::string> {
    for (const auto& [line, reply] : lines) {
      if (said.line.starts_with(line)) return reply;
    }
    return std::nullopt;
  };
}

/// One transaction with parameters; the id.
std::string submit(const Relay& relay, const std::string& mail, const Strings& rcpts, const std::string& subject = "x") {
  Client client = relay.client();
  client.ehlo();
  REQUIRE(client.say("MAIL FROM:" + mail).starts_with("250"));
  for (const std::string& rcpt : rcpts) REQUIRE(client.say("RCPT TO:" + rcpt).starts_with("250"));
  client.say("DATA");
  const std::string reply = client.send_content(message("Alice <alice@client.example>", subject, "The body.\r\n"));
  REQUIRE(reply.starts_with("250 "));
  return id_in(reply);
}

std::vector<Arrival> arrivals_for(const Sink& sink, const std::string& mailbox) {
  std::vector<Arrival> found;
  for (const Arrival& arrival : sink.arrivals()) {
    const std::string rcpt = "RCPT TO:<" + mailbox + ">";
    if (std::ranges::any_of(arrival.rcpts, [&](const std::string& line) { return line.starts_with(rcpt); })) {
      found.push_back(arrival);
    }
  }
  return found;
}

Arrival only_arrival_for(const Sink& sink, const std::string& mailbox) {
  REQUIRE(eventually([&] { return !arrivals_for(sink, mailbox).empty(); }));
  const auto found = arrivals_for(sink, mailbox);
  REQUIRE(found.size() == 1);
  return found.front();
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void check_has(const std::string& text, const Strings& parts) {
  for (const std::string& part : parts) {
    INFO("looking for " << part << " in\n" << text);
    CHECK(text.find(part) != std::string::npos);
  }
}

/// Nothing more comes, and nothing waits.
bool stays_quiet(const Sink& sink, const conf::Config& config, std::size_t arrivals) {
  if (!eventually([&] { return rows_in(config).empty(); })) return false;
  std::this_thread::sleep_for(a_while);
  return sink.arrivals().size() == arrivals && rows_in(config).empty();
}

}  // namespace

TEST_CASE("a failure comes back to the sender as a report, signed, from nobody") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<nobody@example.net>", "550 5.1.1 no such user here"}}));
  conf::Config config = config_in(folder, sink.port());
  const auto key = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  sign_with(config, key.to_pem(), "example.com", "%", "notices");
  Relay relay(config, example);
  const std::string id =
      submit(relay, "<alice@client.example> ENVID=QQ314159", {"<nobody@example.net> ORCPT=rfc822;Nobody@example.net"});
  const Arrival notice = only_arrival_for(sink, "alice@client.example");
  CHECK(notice.mail.starts_with("MAIL FROM:<>"));
  check_has(notice.content, {"From: Mail Delivery System <MAILER-DAEMON@example.com>\r\n", "To: <alice@client.example>\r\n",
                             "Auto-Submitted: auto-replied\r\n", "Content-Type: multipart/report; report-type=delivery-status",
                             "Original-Envelope-Id: QQ314159\r\n", "Original-Recipient: rfc822; Nobody@example.net\r\n",
                             "Final-Recipient: rfc822; nobody@example.net\r\n", "Action: failed\r\n", "Status: 5.1.1\r\n",
                             "Remote-MTA: dns; mx1.example.net\r\n", "Diagnostic-Code: smtp; 550 5.1.1 no such user here\r\n",
                             "Subject: x\r\n", "550 5.1.1 no such user here"});
  CHECK(notice.content.find("The body.") == std::string::npos);
  CHECK(check_signatures(notice.content, {{"notices", key.public_key()}}) == Strings{"notices pass"});
  CHECK(relay.logs("info bounced id=" + id + " to=<nobody@example.net> mx=mx1.example.net"));
  CHECK(relay.logs(" of=" + id + " kind=failure to=<alice@client.example>"));
  CHECK(stays_quiet(sink, config, 1));
}

TEST_CASE("recipients that fail together share a report, the others of the message have none") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}, {"RCPT TO:<full", "552 5.2.2 mailbox full"}}));
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  submit(relay, "<alice@client.example>", {"<nobody@example.net>", "<bob@example.net>", "<full@example.net>"});
  const Arrival notice = only_arrival_for(sink, "alice@client.example");
  CHECK(count(notice.content, "Action: failed\r\n") == 2);
  check_has(notice.content, {"Status: 5.1.1\r\n", "Status: 5.2.2\r\n"});
  CHECK(notice.content.find("bob@example.net\r\nAction") == std::string::npos);
  CHECK(arrivals_for(sink, "bob@example.net").size() == 1);
  CHECK(stays_quiet(sink, config, 2));
}

TEST_CASE("RET=FULL brings the whole message back, else its header comes") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}}));
  Relay relay(config_in(folder, sink.port()), example);
  const auto [parameter, has_body] = GENERATE(std::pair("RET=FULL", true), std::pair("RET=HDRS", false), std::pair("", false));
  submit(relay, "<alice@client.example> " + std::string(parameter), {"<nobody@example.net>"});
  const Arrival notice = only_arrival_for(sink, "alice@client.example");
  CHECK((notice.content.find("The body.") != std::string::npos) == has_body);
  CHECK((notice.content.find("Content-Type: message/rfc822") != std::string::npos) == has_body);
  check_has(notice.content, {"Message-ID: <x@client.example>\r\n"});
}

TEST_CASE("who asks for no notice of a failure gets none, and the log says why") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}}));
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  const std::string notify = GENERATE("NEVER", "SUCCESS", "DELAY", "SUCCESS,DELAY");
  const std::string id = submit(relay, "<alice@client.example>", {"<nobody@example.net> NOTIFY=" + notify});
  CHECK(relay.logs("info notice-dropped of=" + id + " reason=\"the sender asked for none\""));
  CHECK(stays_quiet(sink, config, 0));
}

TEST_CASE("success is reported when it was asked for and the next host does not do it") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);

  SECTION("asked for") {
    const std::string id = submit(relay, "<alice@client.example>", {"<bob@example.net> NOTIFY=SUCCESS", "<carol@example.net>"});
    const Arrival notice = only_arrival_for(sink, "alice@client.example");
    check_has(notice.content, {"Final-Recipient: rfc822; bob@example.net\r\nAction: relayed\r\n", "Status: 2.0.0\r\n"});
    CHECK(notice.content.find("carol@example.net\r\nAction") == std::string::npos);
    CHECK(relay.logs(" of=" + id + " kind=success to=<alice@client.example>"));
    CHECK(stays_quiet(sink, config, 2));
  }
  SECTION("the next host was given the wish") {
    sink.script([](const Said& said) -> std::optional<std::string> {
      if (said.verb == "EHLO") return "250-mx.example.net\r\n250 DSN";
      return std::nullopt;
    });
    submit(relay, "<alice@client.example>", {"<bob@example.net> NOTIFY=SUCCESS"});
    CHECK(sink.receives(1));
    CHECK(sink.count_of("RCPT TO:<bob@example.net> NOTIFY=SUCCESS") == 1);
    CHECK(stays_quiet(sink, config, 1));
  }
  SECTION("not asked for") {
    submit(relay, "<alice@client.example>", {"<bob@example.net> NOTIFY=FAILURE,DELAY"});
    CHECK(sink.receives(1));
    CHECK(stays_quiet(sink, config, 1));
  }
}

TEST_CASE("mail from nobody that fails is told of to the postmaster, once") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);

  SECTION("and arrives there") {
    sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}}));
    submit(relay, "<>", {"<nobody@example.net>"});
    const Arrival notice = only_arrival_for(sink, "admin@example.com");
    CHECK(notice.mail.starts_with("MAIL FROM:<>"));
    check_has(notice.content, {"Final-Recipient: rfc822; nobody@example.net\r\n", "To: <admin@example.com>\r\n"});
    CHECK(stays_quiet(sink, config, 1));
  }
  SECTION("or is lost as well: nothing more") {
    sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}, {"RCPT TO:<admin", "550 5.1.1 not he either"}}));
    submit(relay, "<>", {"<nobody@example.net>"});
    CHECK(relay.logs("reason=\"it was itself the last notice\""));
    CHECK(relay.count_in_log("info notice id=") == 1);
    CHECK(stays_quiet(sink, config, 0));
  }
}

TEST_CASE("a report that its sender does not take goes to the postmaster, and nothing goes in circles") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}, {"RCPT TO:<alice", "550 5.1.1 gone"}}));
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  submit(relay, "<alice@client.example>", {"<nobody@example.net>"});
  const Arrival notice = only_arrival_for(sink, "admin@example.com");
  check_has(notice.content, {"Final-Recipient: rfc822; alice@client.example\r\n", "550 5.1.1 gone"});
  CHECK(stays_quiet(sink, config, 1));
  CHECK(relay.count_in_log("info notice id=") == 2);
}

TEST_CASE("a receiver that takes no null reverse-path ends it") {
  const Folder folder;
  Sink sink;
  sink.offer_no_pipelining();
  sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 no such user"}, {"MAIL FROM:<>", "550 5.7.1 no bounces here"}}));
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  submit(relay, "<alice@client.example>", {"<nobody@example.net>"});
  CHECK(relay.logs("reason=\"the receiver takes no null reverse-path\""));
  CHECK(relay.count_in_log("info notice id=") == 1);
  CHECK(stays_quiet(sink, config, 0));
}

TEST_CASE("a stranger's reverse-path gets nothing, whatever happens to the mail and whatever it asks for") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<admin", "550 5.1.1 no such user"}}));
  conf::Config config = config_in(folder, sink.port());
  config.accept.mynetworks.clear();
  Relay relay(config, example);
  const std::string id =
      submit(relay, "<victim@client.example>", {"<postmaster@relay.example.com> NOTIFY=SUCCESS,FAILURE,DELAY"});
  CHECK(relay.logs("info notice-dropped of=" + id + " reason=\"it came from outside, its reverse-path may be forged\""));
  CHECK(stays_quiet(sink, config, 0));
}

TEST_CASE("a delay is told once, also over a restart") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<bob", "451 4.3.0 come back later"}, {"RCPT TO:<carol", "451 4.3.0 come back later"}}));
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  config.retry.warn = Milliseconds(200);
  const Pace pace{.sweeps = Milliseconds(50)};
  {
    Relay relay(config, example, pace);
    const std::string id = submit(relay, "<alice@client.example>", {"<bob@example.net>", "<carol@example.org>"});
    const Arrival notice = only_arrival_for(sink, "alice@client.example");
    CHECK(count(notice.content, "Action: delayed\r\n") == 2);
    check_has(notice.content, {"Status: 4.3.0\r\n", "Will-Retry-Until: ", "451 4.3.0 come back later"});
    CHECK(relay.logs(" of=" + id + " kind=delay to=<alice@client.example>"));
    std::this_thread::sleep_for(a_while);
    CHECK(sink.arrivals().size() == 1);
    CHECK(holds(config, {"bob@example.net deferred", "carol@example.org deferred"}));
  }
  Relay relay(config, example, pace);
  std::this_thread::sleep_for(a_while);
  CHECK(sink.arrivals().size() == 1);
}

TEST_CASE("a delay is not told where none is wanted") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<bob", "451 4.3.0 come back later"}}));
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  config.retry.warn = Milliseconds(50);
  const std::string notify = GENERATE("", "NOTIFY=NEVER", "NOTIFY=FAILURE", "NOTIFY=SUCCESS");
  if (notify.empty()) config.retry.warn = Milliseconds(0);
  Relay relay(config, example, Pace{.sweeps = Milliseconds(50)});
  submit(relay, "<alice@client.example>", {"<bob@example.net> " + notify});
  std::this_thread::sleep_for(2 * a_while);
  CHECK(sink.arrivals().empty());
  CHECK(holds(config, {"bob@example.net deferred"}));
}

TEST_CASE("a shape for the host that was asked has its own patience") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<bob", "451 4.3.0 come back later"}}));
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  config.shape.resize(1);
  config.shape[0].mx = "mx1.Example.net";

  SECTION("to warn") {
    config.shape[0].retry.warn = Milliseconds(100);
    Relay relay(config, example, Pace{.sweeps = Milliseconds(50)});
    submit(relay, "<alice@client.example>", {"<bob@example.net>"});
    check_has(only_arrival_for(sink, "alice@client.example").content, {"Action: delayed\r\n"});
  }
  SECTION("to try again") {
    config.shape[0].retry.delays = {Milliseconds(50)};
    Relay relay(config, example);
    submit(relay, "<alice@client.example>", {"<bob@example.net>"});
    CHECK(eventually([&] { return sink.count_of("RCPT TO:<bob@example.net>") >= 3; }));
  }
  SECTION("to give up") {
    config.shape[0].retry.give_up = Milliseconds(500);
    Relay relay(config, example, Pace{.sweeps = Milliseconds(50)});
    submit(relay, "<alice@client.example>", {"<bob@example.net>"});
    check_has(only_arrival_for(sink, "alice@client.example").content, {"Action: failed\r\n", "451 4.3.0 come back later"});
    CHECK(stays_quiet(sink, config, 1));
  }
}

TEST_CASE("mail that waited too long comes back with what was said last") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<bob", "450 4.2.0 never today"}}));
  conf::Config config = config_in(folder, sink.port());
  config.retry.give_up = Milliseconds(400);
  Relay relay(config, example);
  const std::string id = submit(relay, "<alice@client.example>", {"<bob@example.net>"});
  const Arrival notice = only_arrival_for(sink, "alice@client.example");
  check_has(notice.content, {"Action: failed\r\n", "450 4.2.0 never today"});
  CHECK(relay.logs("info bounced id=" + id + " to=<bob@example.net> mx=mx1.example.net reply=\"gave up, expired: 450"));
  CHECK(sink.count_of("RCPT TO:<bob@example.net>") >= 2);
  CHECK(stays_quiet(sink, config, 1));
}

TEST_CASE("a hundred refusals with long words come back although they do not fit into one report") {
  const Folder folder;
  Sink sink;
  sink.script(refuse({{"RCPT TO:<nobody", "550 5.1.1 " + std::string(480, 'x')}}));
  conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  Strings rcpts;
  for (int i = 0; i < 400; ++i) rcpts.push_back("<nobody" + std::to_string(i) + "@example.net>");
  submit(relay, "<alice@client.example>", rcpts);
  std::size_t told = 0;
  CHECK(eventually([&] {
    told = 0;
    for (const Arrival& arrival : arrivals_for(sink, "alice@client.example")) told += count(arrival.content, "Action: failed");
    return told >= rcpts.size();
  }));
  CHECK(told == rcpts.size());
  CHECK(eventually([&] { return rows_in(config).empty(); }));
  CHECK(relay.count_in_log("notice-dropped") == 0);
}
