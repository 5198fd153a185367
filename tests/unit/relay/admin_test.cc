// The admin API, asked as the command line asks it.
#include <sys/stat.h>

#include <atomic>
#include <boost/json.hpp>

#include "queue/store.h"
#include "tests/catch.h"
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

json::object ids(const std::string& id) { return json::object{{"ids", json::array{id}}}; }

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
  submit(relay, "b@client.example", {"bob@example.org"});
  submit(relay, "c@other.example", {"eve@example.net"});
  REQUIRE(eventually([&] { return relay.rows("?state=deferred").size() == 5; }));
  CHECK(relay.rows("?from=*@client.example").size() == 4);
  CHECK(relay.rows("?to=bob@*").size() == 2);
  CHECK(relay.rows("?domain=example.org").size() == 2);
  CHECK(relay.rows("?domain=example.org&from=a@*").size() == 1);
  CHECK(relay.rows("?id=" + first).size() == 3);
  CHECK(relay.rows("?state=failed").empty());
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

TEST_CASE("retry wakes a destination that rests") {
  const Folder folder;
  const std::uint16_t port = free_port();
  conf::Config config = config_in(folder, port);
  config.retry.delays = {never};
  Relay relay(config, example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return relay.states(id) == "deferred"; }));
  Sink sink("127.0.0.1", port);
  CHECK(relay.post("/queue/retry", ids(id)).at("recipients").to_number<int>() == 1);
  CHECK(sink.receives(1));
  CHECK(relay.empties());
}

TEST_CASE("retry gives a failed recipient another chance") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT") return "550 5.1.1 no such user";
    return std::nullopt;
  });
  Relay relay(config_in(folder, sink.port()), example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return relay.states(id) == "failed"; }));
  sink.script({});
  CHECK(relay.post("/queue/retry", ids(id)).at("recipients").to_number<int>() == 1);
  CHECK(sink.receives(1));
  CHECK(relay.empties());
}

TEST_CASE("a dropped message is gone") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  Relay relay(config_in(folder, sink.port()), example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(relay.logs("info deferred id=" + id));
  CHECK(relay.post("/queue/drop", ids(id)).at("messages").to_number<int>() == 1);
  CHECK(relay.states(id).empty());
  CHECK(relay.logs("info dropped id=" + id));
  sink.script({});
  submit(relay, "b@client.example", {"bob@example.net"});
  REQUIRE(sink.receives(1));
  CHECK(relay.empties());
  CHECK(sink.arrivals()[0].mail.find("b@client.example") != std::string::npos);
  CHECK(relay.post("/queue/drop", ids(id)).at("messages").to_number<int>() == 0);
}

TEST_CASE("a message dropped while it is delivered does not come back") {
  const Folder folder;
  Sink sink;
  std::atomic<bool> go = false;
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb != "dot") return std::nullopt;
    eventually([&] { return go.load(); });
    return "451 4.3.0 later";
  });
  Relay relay(config_in(folder, sink.port()), example);
  const std::string id = submit(relay, "a@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return sink.count_of(".") == 1; }));
  CHECK(relay.rows("?state=active").size() == 1);
  CHECK(relay.post("/queue/drop", ids(id)).at("messages").to_number<int>() == 1);
  go = true;
  REQUIRE(relay.logs("info deferred id=" + id));
  CHECK(relay.empties());
  submit(relay, "b@client.example", {"bob@example.net"});
  REQUIRE(eventually([&] { return sink.count_of(".") >= 3; }));
  CHECK(sink.count_of("MAIL FROM:<a@client.example>") == 1);
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
