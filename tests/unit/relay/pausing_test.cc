// Paused destinations: nothing goes there, over restarts too, and nobody's mail expires in silence.
#include <algorithm>
#include <optional>

#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

const World example = zones({{"example.net", {"127.0.0.1"}},
                             {"shop.example.org", {"127.0.0.1"}},
                             {"blog.example.org", {"127.0.0.1"}},
                             {"client.example", {"127.0.0.1"}},
                             {"example.com", {"127.0.0.1"}}});
constexpr Milliseconds a_while(400);

void submit(const Relay& relay, const Strings& to) {
  Client client = relay.client();
  client.ehlo();
  REQUIRE(client.send("a@client.example", to, message("a@client.example", "x")).starts_with("250 "));
}

std::size_t arrivals_for(const Sink& sink, const std::string& mailbox) {
  const auto arrivals = sink.arrivals();
  return static_cast<std::size_t>(std::ranges::count_if(
      arrivals, [&](const Arrival& arrival) { return arrival.rcpts.front() == "RCPT TO:<" + mailbox + ">"; }));
}

}  // namespace

TEST_CASE("a paused domain gets nothing until it is resumed, over a restart too") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  {
    Relay relay(config, example);
    pause(relay, "*.Example.org");
    submit(relay, {"s@shop.example.org", "b@blog.example.org", "n@example.net"});
    CHECK(sink.receives(1));
    CHECK(holds(config, {"s@shop.example.org deferred", "b@blog.example.org deferred"}));
    const auto view = pauses(relay);
    REQUIRE(view.size() == 1);
    CHECK(view[0].pause.pattern == "*.example.org");
    CHECK(eventually([&] { return pauses(relay)[0].destinations == 2; }));
    CHECK(pauses(relay)[0].recipients == 2);
    CHECK(relay.logs("info paused destination=*.example.org"));
    for (const queue::ListRow& row : rows_in(config)) {
      CHECK(row.attempts == 0);
      CHECK(row.last_reply == "paused: *.example.org");
    }
  }
  Relay relay(config, example);
  std::this_thread::sleep_for(a_while);
  CHECK(sink.arrivals().size() == 1);
  CHECK(pauses(relay).size() == 1);
  CHECK(resume(relay, "*.example.org") == 1);
  CHECK(resume(relay, "*.example.org") == 0);
  CHECK(sink.receives(3));
  CHECK(eventually([&] { return rows_in(config).empty(); }));
  CHECK(pauses(relay).empty());
}

TEST_CASE("what is paused keeps the words of its last attempt") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT") return "451 4.3.0 not now";
    return std::nullopt;
  });
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  submit(relay, {"n@example.net"});
  REQUIRE(eventually([&] { return sink.count_of("RCPT") >= 2; }));
  pause(relay, "mx1.example.net");
  CHECK(eventually([&] { return pauses(relay)[0].destinations == 1; }));
  REQUIRE(holds(config, {"n@example.net deferred"}));
  const auto row = rows_in(config).front();
  CHECK(row.last_reply == "451 4.3.0 not now");
  CHECK(row.mx == "mx1.example.net");
  CHECK(row.attempts >= 2);
}

TEST_CASE("a paused host stops the domains that it serves, without an attempt") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  {
    Relay relay(config, example);
    pause(relay, "mx1.example.net");
    submit(relay, {"n@example.net", "s@shop.example.org"});
    CHECK(sink.receives(1));
    CHECK(holds(config, {"n@example.net deferred"}));
    CHECK(rows_in(config).front().attempts == 0);
    CHECK(eventually([&] { return pauses(relay)[0].recipients == 1; }));
    CHECK(arrivals_for(sink, "n@example.net") == 0);
  }
  Relay relay(config, example);
  std::this_thread::sleep_for(a_while);
  CHECK(sink.arrivals().size() == 1);
  CHECK(rows_in(config).front().attempts == 0);
  CHECK(resume(relay, "mx1.example.net") == 1);
  CHECK(sink.receives(2));
  CHECK(arrivals_for(sink, "n@example.net") == 1);
}

TEST_CASE("paused mail expires: the postmaster is told before, once a pause, and the sender after") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.retry.give_up = Milliseconds(6000);
  const Pace pace{.sweeps = Milliseconds(50)};
  {
    Relay relay(config, example, pace);
    pause(relay, "*.example.org");
    submit(relay, {"s@shop.example.org", "b@blog.example.org"});
    REQUIRE(sink.receives(1));
    const Arrival letter = sink.arrivals().front();
    CHECK(letter.rcpts == Strings{"RCPT TO:<admin@example.com>"});
    CHECK(letter.mail.starts_with("MAIL FROM:<>"));
    CHECK(letter.content.find("Subject: Mail to *.example.org expires while it is paused\r\n") != std::string::npos);
    CHECK(relay.logs("warning pause-expires destination=*.example.org"));
    std::this_thread::sleep_for(a_while);
    CHECK(sink.arrivals().size() == 1);
  }
  Relay relay(config, example, pace);
  REQUIRE(sink.receives(2));
  const Arrival report = sink.arrivals().back();
  CHECK(report.rcpts == Strings{"RCPT TO:<a@client.example>"});  // one for both
  CHECK(report.content.find("Final-Recipient: rfc822; s@shop.example.org\r\nAction: failed\r\n") != std::string::npos);
  CHECK(report.content.find("Final-Recipient: rfc822; b@blog.example.org\r\nAction: failed\r\n") != std::string::npos);
  CHECK(eventually([&] { return rows_in(config).empty(); }));
  std::this_thread::sleep_for(a_while);
  CHECK(sink.arrivals().size() == 2);
  CHECK(pauses(relay).size() == 1);
}

TEST_CASE("a pattern that can match nothing is refused, one beyond ASCII is kept with A-labels") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  for (const std::string& pattern :
       {std::string(), std::string("a b"), std::string(300, 'a'), std::string("caf\xe9"), std::string("*café.example")}) {
    CHECK_THROWS(pause(relay, pattern));
  }
  CHECK(pauses(relay).empty());
  pause(relay, "*.bücher.example");
  CHECK(pauses(relay).at(0).pause.pattern == "*.xn--bcher-kva.example");
}
