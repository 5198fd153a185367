// The submit socket: who comes that way, and what can be done there.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

const World example = zones({{"example.net", {"127.0.0.1"}}});

std::string uid() { return std::to_string(::getuid()); }

/// Trusts no address, so that only the socket can be the way.
conf::Config config_with_socket(const Folder& folder, const Sink& sink) {
  conf::Config config = config_in(folder, sink.port());
  config.accept.mynetworks.clear();
  return config;
}

}  // namespace

TEST_CASE("a program of this machine hands in mail at the submit socket") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_with_socket(folder, sink);
  Relay relay(config, example);
  Client client = Client::at_socket(config.admin.submit);
  CHECK(client.greeting().starts_with("220 relay.example.com"));
  client.ehlo();
  const std::string reply = client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "local"));
  CHECK(reply.starts_with("250 2.0.0 queued as "));
  REQUIRE(relay.empties());
  const std::string arrived = sink.arrivals().at(0).content;
  CHECK(arrived.starts_with("Received: by relay.example.com (mailferry submit, uid " + uid() + ") id "));
  CHECK(arrived.find("client.example (") == std::string::npos);
  CHECK(relay.logs("client=client.example[uid:" + uid() + "]"));
}

TEST_CASE("everybody on this machine can open the submit socket, and it can do nothing but take mail") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_with_socket(folder, sink);
  Relay relay(config, example);
  struct stat status{};
  REQUIRE(::stat(config.admin.submit.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0666);
  Client client = Client::at_socket(config.admin.submit);
  const std::string offers = client.ehlo();
  CHECK(offers.find("STARTTLS") == std::string::npos);
  CHECK(offers.find("AUTH") == std::string::npos);
  CHECK(offers.find("XCLIENT") == std::string::npos);
  CHECK(client.say("STARTTLS").starts_with("5"));
  CHECK(client.say("AUTH PLAIN AGEAYg==").starts_with("5"));
  CHECK(client.say("XCLIENT ADDR=192.0.2.1").starts_with("5"));
  CHECK(Client::at_socket(config.admin.submit).say("GET /v1/status HTTP/1.1").starts_with("421"));
}

TEST_CASE("one user cannot take all places at the submit socket") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_with_socket(folder, sink);
  Relay relay(config, example);
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Client::at_socket(config.admin.submit));
  CHECK(clients.back().greeting().starts_with("220"));
  CHECK(Client::at_socket(config.admin.submit).greeting().starts_with("421 4.7.0"));
  clients.front().say("QUIT");
  CHECK(eventually([&] { return Client::at_socket(config.admin.submit).greeting().starts_with("220"); }));
}

TEST_CASE("the submit socket goes with the relay, and is not taken from one that runs") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_with_socket(folder, sink);
  {
    Relay relay(config, example);
    conf::Config second = config;
    second.spool = folder / "other";
    second.admin.socket = folder / "other.sock";
    CHECK(why_not_started(second).find("admin.submit") != std::string::npos);
    CHECK(Client::at_socket(config.admin.submit).greeting().starts_with("220"));
  }
  CHECK_FALSE(std::filesystem::exists(config.admin.submit));
}

TEST_CASE("without admin.submit there is no submit socket") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_with_socket(folder, sink);
  config.admin.submit.clear();
  Relay relay(config, example);
  CHECK_FALSE(std::filesystem::exists(folder / "submit.sock"));
}
