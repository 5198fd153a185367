// The admin API, asked as the command line asks it.
#include <sys/stat.h>

#include <atomic>
#include <boost/json.hpp>

#include "queue/content_file.h"
#include "queue/store.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/manual.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.org", {"127.0.0.1"}}});
constexpr Milliseconds never = std::chrono::hours(1);

std::optional<std::string> refuse_for_now(const Said& said) {
  if (said.verb == "RCPT") return "450 4.2.0 later";
  return std::nullopt;
}

std::string submit(const Relay& relay, const std::string& from, const std::vector<std::string>& to) {
  Client client = relay.client();
  client.ehlo();
  return id_in(client.send(from, to, message(from, "x")));
}

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

TEST_CASE("status tells how the relay is") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(relay.empties());
  Client waiting = relay.client();
  const json::value status = relay.get("/status");
  CHECK(status.at("hostname").as_string() == "relay.example.com");
  CHECK(status.at("store").as_string() == "open");
  CHECK(status.at("listening").as_array().at(0).as_string() == "127.0.0.1:" + std::to_string(relay.port()));
  CHECK(status.at("since_start").at("accepted").to_number<int>() == 1);
  CHECK(status.at("since_start").at("delivered").to_number<int>() == 1);
  CHECK(status.at("queue").at("messages").to_number<int>() == 0);
  CHECK(status.at("connections_in").to_number<int>() == 1);
  CHECK(status.at("free_space").to_number<std::uint64_t>() > 0);
  CHECK(status.at("queue").at("quarantined").to_number<int>() == 0);
  CHECK(documented_members("status") == printed_members(status.as_object()));
}

TEST_CASE("status names mail that was set aside as damaged") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {Milliseconds(500)};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const std::string body(std::size_t{600} << 10U, 'x');
  std::string lines;
  for (std::size_t i = 0; i < body.size(); i += 70) lines += body.substr(i, 70) + "\r\n";
  const std::string text = message("a@client.example", "large", lines);
  const std::string id = id_in(client.send("a@client.example", {"bob@example.net"}, text));
  REQUIRE(relay.logs("info deferred id=" + id));
  std::filesystem::remove(queue::content_path(config.spool, queue::QueueId::parse(id).value()));
  REQUIRE(eventually([&] { return relay.get("/status").at("quarantined").as_array().size() == 1; }));
  const json::value status = relay.get("/status");
  const json::object quarantined = status.at("quarantined").at(0).as_object();
  CHECK(quarantined.at("id").as_string() == id);
  CHECK(quarantined.at("sender").as_string() == "a@client.example");
  CHECK_FALSE(quarantined.at("reason").as_string().empty());
  CHECK(status.at("queue").at("quarantined").to_number<int>() == 1);
  CHECK(relay.rows().empty());
}

TEST_CASE("the admin socket is not for everyone") {
  const Folder folder;
  const conf::Config config = config_in(folder, 1);
  Relay relay(config, example);
  struct stat status{};
  REQUIRE(::stat(config.admin.socket.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0660U);
}

TEST_CASE("the queue is listed by filters and pages") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  const std::string first = submit(relay, "a@client.example", {"bob@example.net", "dora@example.org", "carol@example.net"});
  const std::string second = submit(relay, "b@client.example", {"bob@example.org"});
  submit(relay, "c@other.example", {"eve@example.net"});
  REQUIRE(eventually([&] { return relay.rows("?state=deferred").size() == 5; }));
  CHECK(relay.rows("?from=*@client.example").size() == 4);
  CHECK(relay.rows("?to=bob@*").size() == 2);
  CHECK(relay.rows("?domain=example.org").size() == 2);
  CHECK(relay.rows("?domain=example.org&from=a@*").size() == 1);
  CHECK(relay.rows("?id=" + first).size() == 3);
  CHECK(relay.rows("?state=held").empty());
  CHECK(relay.rows("?mx=mx1.*").size() == 5);
  CHECK(relay.rows("?mx=mx1.example.org").size() == 2);
  CHECK(relay.rows("?reply=LATER").size() == 5);
  CHECK(relay.rows("?reply=greylisted").empty());
  CHECK(relay.rows("?message-id=x@client.example").size() == 5);
  CHECK(relay.rows("?message-id=y@*").empty());
  CHECK(relay.rows("?newer=1h").size() == 5);
  CHECK(relay.rows("?older=1h").empty());
  CHECK(relay.rows("?id=" + first + "&id=" + second).size() == 4);
  CHECK(relay.rows("?state=active").empty());
  const json::object row = relay.rows("?to=dora@*").at(0).as_object();
  CHECK(row.at("id").as_string() == first);
  CHECK(row.at("index").to_number<int>() == 1);
  CHECK(row.at("state").as_string() == "deferred");
  CHECK(row.at("sender").as_string() == "a@client.example");
  CHECK(row.at("last_reply").as_string() == "450 4.2.0 later");
  CHECK(row.at("attempts").to_number<int>() == 1);

  std::vector<std::string> seen;
  json::value page = relay.get("/queue?limit=2");
  for (int pages = 1;; ++pages) {
    REQUIRE(pages <= 3);
    for (const json::value& each : page.at("rows").as_array()) seen.emplace_back(each.at("recipient").as_string());
    if (page.at("next").is_null()) break;
    page = relay.get("/queue?limit=2&after=" + std::string(page.at("next").as_string()));
  }
  CHECK(seen == std::vector<std::string>{"bob@example.net", "dora@example.org", "carol@example.net", "bob@example.org",
                                         "eve@example.net"});
}

TEST_CASE("a message is shown with its envelope and printed as it will be sent") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  const json::value shown = relay.get("/queue/" + id);
  CHECK(shown.at("id").as_string() == id);
  CHECK(shown.at("message_id").as_string() == "<x@client.example>");
  CHECK(shown.at("sender").as_string() == "a@client.example");
  CHECK(shown.at("client").at("helo").as_string() == "client.example");
  CHECK(shown.at("client").at("address").as_string() == "127.0.0.1");
  const std::string content = relay.content_of(id);
  CHECK(content.size() == shown.at("size").to_number<std::size_t>());
  CHECK(content.ends_with(message("a@client.example", "x")));
  sink.script({});
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content == content);
}

TEST_CASE("large content is printed to the octet") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  Relay relay(config_in(folder, sink.port()), example);
  std::string body;
  for (int i = 0; body.size() < 700'000; ++i) body += std::to_string(i) + std::string(70, 'y') + "\r\n";
  Client client = relay.client();
  client.ehlo();
  const std::string sent = message("a@client.example", "large", body);
  const std::string id = id_in(client.send("a@client.example", {"bob@example.net"}, sent));
  CHECK(relay.content_of(id).ends_with(sent));
}

TEST_CASE("matches are counted, not listed") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  submit(relay, "a@client.example", {"bob@example.net", "dora@example.org"});
  submit(relay, "b@client.example", {"bob@example.org"});
  const json::value all = relay.get("/queue/count");
  CHECK(all.at("messages").to_number<int>() == 2);
  CHECK(all.at("recipients").to_number<int>() == 3);
  CHECK_FALSE(all.at("more").as_bool());
  CHECK(relay.get("/queue/count?domain=example.org").at("messages").to_number<int>() == 2);
  CHECK(relay.get("/queue/count?from=nobody@client.example").at("recipients").to_number<int>() == 0);
}

TEST_CASE("a summary tells what waits, most recipients first") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  submit(relay, "a@client.example", {"bob@example.net", "dora@example.org", "carol@example.net"});
  submit(relay, "b@client.example", {"eve@example.net"});
  REQUIRE(eventually([&] { return relay.rows("?state=deferred").size() == 4; }));
  const json::array domains = relay.get("/queue/summary").at("rows").as_array();
  REQUIRE(domains.size() == 2);
  CHECK(domains[0].at("name").as_string() == "example.net");
  CHECK(domains[0].at("recipients").to_number<int>() == 3);
  CHECK(domains[0].at("deferred").to_number<int>() == 3);
  CHECK(domains[0].at("last_reply").as_string() == "450 4.2.0 later");
  CHECK_FALSE(domains[0].at("next_attempt").is_null());
  CHECK(domains[1].at("name").as_string() == "example.org");
  const json::array senders = relay.get("/queue/summary?by=sender&limit=1").at("rows").as_array();
  REQUIRE(senders.size() == 1);
  CHECK(senders[0].at("name").as_string() == "a@client.example");
  CHECK(relay.get("/queue/summary?by=mx").at("rows").as_array().at(0).at("name").as_string() == "mx1.example.net");
  CHECK(relay.error_of("/queue/summary?by=colour") != "none");
}

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

TEST_CASE("what is remembered of hosts is seen and forgotten") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  CHECK(relay.get("/hosts").at("rows").as_array().empty());
  CHECK(relay.get("/status").at("delivery").at("host_troubles").to_number<int>() == 0);
  relay.on_loop([](relay::Daemon& daemon) {
    using relay::delivery::Trouble;
    relay::delivery::HostMemory& memory = daemon.services().host_memory;
    const dns::Candidate first{"mx1.example.net", base::IpAddress::parse("192.0.2.1").value(), 25};
    const dns::Candidate second{"mx2.example.net", base::IpAddress::parse("2001:db8::2").value(), 465};
    memory.add(first, Trouble::tls, relay::Clock::now());
    memory.add(first, Trouble::tls, relay::Clock::now());
    memory.add(first, Trouble::chunks, relay::Clock::now());
    memory.add(second, Trouble::dead, relay::Clock::now());
  });
  const json::value rows = relay.get("/hosts").at("rows");
  REQUIRE(rows.as_array().size() == 3);
  CHECK(documented_members("hosts") == printed_members(rows.at(0).as_object()));
  CHECK(rows.at(0).at("host").as_string() == "mx1.example.net");
  CHECK(rows.at(0).at("address").as_string() == "192.0.2.1");
  CHECK(rows.at(0).at("port").to_number<int>() == 25);
  CHECK(rows.at(0).at("trouble").as_string() == "tls");
  CHECK(rows.at(0).at("times").to_number<int>() == 2);
  CHECK(rows.at(0).at("left_seconds").to_number<int>() > 1700);
  CHECK(rows.at(0).at("left_seconds").to_number<int>() <= 1800);
  CHECK(rows.at(2).at("trouble").as_string() == "dead");
  CHECK(relay.get("/status").at("delivery").at("host_troubles").to_number<int>() == 3);
  CHECK(relay.remove("/hosts/MX1.example.net").at("forgotten").to_number<int>() == 2);
  CHECK(relay.remove("/hosts/2001:db8::2").at("forgotten").to_number<int>() == 1);
  CHECK(relay.get("/hosts").at("rows").as_array().empty());
  CHECK(relay.remove("/hosts").at("forgotten").to_number<int>() == 0);
}

TEST_CASE("requests that make no sense are told why") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  CHECK(relay.error_of("/queue/00000000001") != "none");
  CHECK(relay.error_of("/queue/00000000001/content") != "none");
  CHECK(relay.content_of("00000000001").starts_with("error: "));
  CHECK(relay.error_of("/queue/not-an-id!") != "none");
  CHECK(relay.error_of("/queue?color=red").find("color") != std::string::npos);
  CHECK(relay.error_of("/nothing") == "no such resource");
  CHECK(relay.error_of("/queue?limit=0").find("limit") != std::string::npos);
  CHECK(relay.error_of("/queue?older=soon").find("older") != std::string::npos);
}

TEST_CASE("with the daemon stopped the queue can be read") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  const conf::Config config = config_in(folder, sink.port());
  std::string id;
  std::string content;
  {
    Relay relay(config, example);
    id = submit(relay, "a@client.example", {"bob@example.net"});
    REQUIRE(relay.logs("info deferred id=" + id));
    content = relay.content_of(id);
  }
  const auto reader = queue::open_reader(config.spool).value();
  const auto loaded = reader->load(queue::QueueId::parse(id).value()).value();
  CHECK(loaded.prefix + std::string(loaded.content.octets()) == content);
  CHECK(loaded.envelope.recipients.front().mailbox.to_string() == "bob@example.net");
  CHECK(reader->counts()->messages == 1);
}
