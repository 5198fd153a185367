// The admin API, asked as the command line asks it.
#include <sys/stat.h>

#include <boost/json.hpp>

#include "queue/content_file.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/admin.h"
#include "tests/unit/relay/manual.h"
#include "tests/unit/relay/world.h"

using namespace world;
using admin::example;
using admin::never;
using admin::refuse_for_now;
using admin::submit;

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
