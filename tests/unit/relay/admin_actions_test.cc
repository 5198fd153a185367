// Actions and pauses by the admin API, asked as the command line asks it.
#include <atomic>
#include <boost/json.hpp>

#include "tests/catch.h"
#include "tests/unit/relay/admin.h"
#include "tests/unit/relay/manual.h"

namespace {

using namespace world;
using admin::example;
using admin::never;
using admin::refuse_for_now;
using admin::submit;

/// Does it and waits for its end.
json::object act(const Relay& relay, const std::string& deed, const json::object& filters, const json::array& ids = {}) {
  json::object order = {{"action", deed}, {"filters", filters}};
  if (!ids.empty()) order["ids"] = ids;
  const std::string id(relay.post("/queue/actions", order).at("id").as_string());
  json::object action;
  REQUIRE(eventually([&] {
    action = relay.get("/queue/actions/" + id).as_object();
    return !action.at("finished").is_null();
  }));
  return action;
}

json::object act_on(const Relay& relay, const std::string& deed, const std::string& id) {
  return act(relay, deed, {}, json::array{id});
}

std::int64_t touched(const json::object& action) { return action.at("touched").to_number<std::int64_t>(); }
std::int64_t skipped(const json::object& action) { return action.at("skipped").to_number<std::int64_t>(); }

}  // namespace

TEST_CASE("retry wakes a destination that rests") {
  const Folder folder;
  const std::uint16_t port = free_port();
  conf::Config config = config_in(folder, port);
  config.retry.delays = {never};
  Relay relay(config, example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return relay.states(id) == "deferred"; }));
  Sink sink("127.0.0.1", port);
  CHECK(touched(act_on(relay, "retry", id)) == 1);
  CHECK(sink.receives(1));
  CHECK(relay.empties());
}

TEST_CASE("what is held is not tried until it is released") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  const std::string bad = submit(relay, "bad@client.example", {"bob@example.net", "eve@example.org"});
  const std::string good = submit(relay, "good@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return relay.rows("?state=deferred").size() == 3; }));
  CHECK(touched(act(relay, "hold", {{"from", "bad@client.example"}})) == 2);
  CHECK(relay.states(bad) == "held held");
  CHECK(relay.rows("?state=held").size() == 2);
  CHECK(relay.get("/status").at("queue").at("held").to_number<int>() == 2);
  sink.script({});
  CHECK(touched(act(relay, "retry", {{"from", "good@client.example"}})) == 1);
  REQUIRE(sink.receives(1));
  CHECK(relay.states(bad) == "held held");
  CHECK(touched(act(relay, "release", {{"state", "held"}})) == 2);
  CHECK(relay.empties());
}

TEST_CASE("a bounced message is gone and its sender is told") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT" && said.line.find("bob@") != std::string::npos) return "450 4.2.0 later";
    return std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, zones({{"example.net", {"127.0.0.1"}}, {"client.example", {"127.0.0.1"}}}));
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return relay.states(id) == "deferred"; }));
  CHECK(touched(act_on(relay, "bounce", id)) == 1);
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].mail.starts_with("MAIL FROM:<>"));
  CHECK(sink.arrivals()[0].rcpts.at(0).find("a@client.example") != std::string::npos);
  CHECK(sink.arrivals()[0].content.find("multipart/report") != std::string::npos);
  CHECK(relay.empties());
}

TEST_CASE("a dropped message is gone, and nobody is told") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  Relay relay(config_in(folder, sink.port()), zones({{"example.net", {"127.0.0.1"}}, {"client.example", {"127.0.0.1"}}}));
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(relay.logs("info deferred id=" + id));
  REQUIRE(eventually([&] { return touched(act(relay, "drop", {{"from", "a@*"}})) == 1; }));
  CHECK(relay.states(id).empty());
  sink.script({});
  submit(relay, "b@client.example", {"bob@example.net"});
  REQUIRE(sink.receives(1));
  CHECK(relay.empties());
  CHECK(sink.arrivals()[0].mail.find("b@client.example") != std::string::npos);
}

TEST_CASE("what is being delivered is listed as active, and actions leave it alone") {
  const Folder folder;
  Sink sink;
  std::atomic<bool> go = false;
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT" && said.line.find("later@") != std::string::npos) return "450 4.2.0 later";
    if (said.verb != "dot") return std::nullopt;
    eventually([&] { return go.load(); });
    return "250 2.0.0 taken";
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  submit(relay, "b@client.example", {"later@example.org"});
  REQUIRE(eventually([&] { return relay.rows("?state=deferred").size() == 1; }));
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return sink.count_of(".") == 1; }));
  CHECK(relay.rows("?state=active").size() == 1);
  CHECK(relay.rows("?state=active&from=b@client.example").empty());
  CHECK(relay.rows("?state=active&id=" + id).size() == 1);
  CHECK(relay.rows("?state=queued").empty());
  CHECK(relay.get("/queue/count?state=active").at("messages").to_number<int>() == 1);
  const json::object action = act(relay, "drop", {{"to", "*"}});
  CHECK(touched(action) == 1);
  CHECK(skipped(action) == 1);
  go = true;
  CHECK(sink.receives(1));
  CHECK(relay.empties());
}

TEST_CASE("an action tells what it is and how far it came") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  const json::object action = act(relay, "hold", {{"domain", "example.net"}, {"state", "deferred"}});
  CHECK(action.at("action").as_string() == "hold");
  CHECK(action.at("filter").as_string() == "--domain example.net --state deferred");
  CHECK(touched(action) == 0);
  const json::array all = relay.get("/queue/actions").at("rows").as_array();
  REQUIRE(all.size() == 1);
  CHECK(all[0].at("id") == action.at("id"));
  CHECK(relay.get("/status").at("actions").as_array().empty());
}

TEST_CASE("an action that makes no sense does nothing and says why") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  Relay relay(config_in(folder, sink.port()), example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  const auto error_of = [&](const json::value& order) { return relay.error_of_post("/queue/actions", order); };
  CHECK(error_of(json::object{{"action", "drop"}}).find("filters") != std::string::npos);
  CHECK(error_of(json::object{{"action", "drop"}, {"filters", json::object()}}).find("filters") != std::string::npos);
  CHECK(error_of(json::object{{"action", "eat"}, {"ids", json::array{id}}}).find("action") != std::string::npos);
  CHECK(error_of(json::object{{"action", "drop"}, {"filters", json::object{{"state", "active"}}}}).find("alone") !=
        std::string::npos);
  CHECK(error_of(json::object{{"action", "drop"}, {"filters", json::object{{"colour", "red"}}}}).find("colour") !=
        std::string::npos);
  CHECK(error_of(json::object{{"action", "drop"}, {"filters", json::object{{"to", 1}}}}).find("to") != std::string::npos);
  CHECK(error_of(json::array()).find("object") != std::string::npos);
  const std::string missing = error_of(json::object{{"action", "drop"}, {"ids", json::array{id, "00000000001"}}});
  CHECK(missing.find("00000000001") != std::string::npos);
  CHECK(missing.find(id) == std::string::npos);
  CHECK(relay.states(id) != "");
  CHECK(relay.error_of("/queue/actions/00000000001").find("no action") != std::string::npos);
}

TEST_CASE("a paused destination waits, is listed, and goes on when it is resumed") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  CHECK(relay.get("/queue/pauses").at("rows").as_array().empty());
  const json::value paused = relay.post("/queue/pauses", json::object{{"pattern", "example.net"}});
  CHECK(paused.at("pattern").as_string() == "example.net");
  submit(relay, "a@client.example", {"bob@example.net", "eve@example.org"});
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].rcpts.at(0).find("eve@example.org") != std::string::npos);
  REQUIRE(eventually([&] { return relay.rows("?state=deferred").size() == 1; }));
  const json::value rows = relay.get("/queue/pauses").at("rows");
  CHECK(rows.at(0).at("pattern").as_string() == "example.net");
  CHECK(rows.at(0).at("destinations").to_number<int>() == 1);
  CHECK(rows.at(0).at("recipients").to_number<int>() == 1);
  CHECK(relay.get("/status").at("pauses").as_array().size() == 1);
  CHECK(relay.remove("/queue/pauses/example.net").at("resumed").to_number<int>() == 1);
  CHECK(relay.empties());
  CHECK(sink.arrivals().size() == 2);
}

TEST_CASE("a pattern of hosts pauses whoever is received there") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  relay.post("/queue/pauses", json::object{{"pattern", "MX1.*.org"}});
  submit(relay, "a@client.example", {"bob@example.net", "eve@example.org"});
  REQUIRE(sink.receives(1));
  REQUIRE(eventually([&] { return relay.rows("?state=deferred&domain=example.org").size() == 1; }));
  CHECK(relay.remove("/queue/pauses/mx1.%2A.org").at("resumed").to_number<int>() == 1);
  CHECK(relay.empties());
  CHECK(relay.error_of_post("/queue/pauses", json::object{{"pattern", ""}}).find("pattern") != std::string::npos);
  CHECK(relay.error_of_post("/queue/pauses", json::object{{"domain", "x"}}).find("pattern") != std::string::npos);
}
