// The program: its commands, their words and their exit codes.
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdio>

#include "base/text.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

struct Ran {
  int code = -1;
  std::string output;  ///< both streams
};

Ran run(const std::string& arguments) {
  const std::string command = std::string(MAILFERRY_PROGRAM) + " " + arguments + " 2>&1 </dev/null";
  Ran ran;
  FILE* pipe = ::popen(command.c_str(), "re");
  REQUIRE(pipe != nullptr);
  char piece[4096];
  for (std::size_t count = 0; (count = std::fread(piece, 1, sizeof(piece), pipe)) > 0;) ran.output.append(piece, count);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

bool contains(const Ran& ran, std::string_view text) { return ran.output.find(text) != std::string::npos; }

const World example = zones({{"example.net", {"127.0.0.1"}}});

/// A relay with three deferred messages and a file that the program reads.
class Ferry {
 public:
  Ferry() : config_(config_in(folder_, sink_.port())) {
    sink_.script([](const Said& said) -> std::optional<std::string> {
      if (said.verb == "RCPT") return "450 4.2.0 later";
      return std::nullopt;
    });
    config_.retry.delays = {std::chrono::hours(1)};
    conf::Config written = config_;
    written.listen[0].address.port = free_port();
    REQUIRE(base::write_file_durably(path(), conf::show_config(written), 0600));
    relay_ = std::make_unique<Relay>(config_, example);
    Client client = relay_->client();
    client.ehlo();
    for (const char* from : {"a@client.example", "b@client.example", "c@other.example"}) {
      ids.push_back(id_in(client.send(from, {"bob@example.net"}, message(from, "x"))));
    }
    REQUIRE(eventually([this] { return relay_->rows("?state=deferred").size() == 3; }));
  }

  Ran run(const std::string& arguments) const { return ::run(arguments + " -c " + path()); }
  void stop() { relay_.reset(); }
  Sink& sink() { return sink_; }
  Relay& relay() { return *relay_; }

  std::vector<std::string> ids;

 private:
  std::string path() const { return folder_ / "mailferry.toml"; }

  Folder folder_;
  Sink sink_;
  conf::Config config_;
  std::unique_ptr<Relay> relay_;
};

}  // namespace

TEST_CASE("wrong usage is exit code 2") {
  for (const char* arguments :
       {"", "nonsense", "queue", "queue show", "--nonsense", "queue list --limit -1", "queue show nothing!"}) {
    INFO(arguments);
    CHECK(run(arguments).code == 2);
  }
}

TEST_CASE("--version names the program and its libraries") {
  const Ran ran = run("--version");
  CHECK(ran.code == 0);
  CHECK(ran.output.starts_with("mailferry "));
  for (const char* library : {"Boost", "OpenSSL", "SQLite", "c-ares"}) CHECK(contains(ran, library));
}

TEST_CASE("config check tells line and key of a mistake") {
  const Folder folder;
  const std::string path = folder / "bad.toml";
  REQUIRE(base::write_file_durably(
      path, "hostname = \"relay.example.com\"\npostmaster = \"a@example.com\"\n\n[accept]\nmessage_sise = \"1MiB\"\n", 0600));
  const Ran ran = run("config check -c " + path);
  CHECK(ran.code == 1);
  CHECK(contains(ran, "bad.toml:5:"));
  CHECK(contains(ran, "message_sise"));
  CHECK(run("serve --check -c " + path).code == 1);
  CHECK(run("serve -c " + path).code == 1);
  CHECK(run("config check -c " + path + ".missing").code == 1);
}

TEST_CASE("config check is content with a good file and writes nothing") {
  const Folder folder;
  const std::string path = folder / "good.toml";
  const std::string spool = folder / "spool";
  const std::string text =
      "hostname = \"relay.example.com\"\npostmaster = \"a@example.com\"\nspool = \"" + spool + "\"\nspool_unsafe = true\n";
  REQUIRE(base::write_file_durably(path, text, 0600));
  const Ran ran = run("config check -c " + path);
  CHECK(ran.code == 0);
  CHECK(contains(ran, "is valid"));
  CHECK_FALSE(std::filesystem::exists(spool));
  CHECK(contains(run("config show -c " + path), "relay.example.com"));
  CHECK(boost::json::parse(run("config show --json -c " + path).output).is_object());
}

TEST_CASE("config check misses no key file") {
  const Folder folder;
  const std::string path = folder / "keyless.toml";
  const std::string text =
      "hostname = \"relay.example.com\"\npostmaster = \"a@example.com\"\n[[dkim.sign]]\nfrom = \"*\"\ndomain = \"%\"\n"
      "selector = \"us\"\nkey = \"" +
      folder / "missing.pem" + "\"\n";
  REQUIRE(base::write_file_durably(path, text, 0600));
  const Ran ran = run("config check -c " + path);
  CHECK(ran.code == 1);
  CHECK(contains(ran, "missing.pem"));
}

TEST_CASE("the queue is seen and changed through the running relay") {
  Ferry ferry;
  const Ran list = ferry.run("queue list");
  CHECK(list.code == 0);
  CHECK(list.output.starts_with("ID "));
  for (const std::string& id : ferry.ids) CHECK(contains(list, id));
  CHECK(base::split(list.output, '\n').size() == 5);
  CHECK(boost::json::parse(ferry.run("queue list --json").output).as_array().size() == 3);
  CHECK(boost::json::parse(ferry.run("queue list --json --limit 2").output).as_array().size() == 2);
  CHECK(boost::json::parse(ferry.run("queue list --json --from '*@client.example'").output).as_array().size() == 2);
  CHECK(contains(ferry.run("queue list --to nobody"), "no message matches"));

  const Ran show = ferry.run("queue show " + ferry.ids[0]);
  CHECK(show.code == 0);
  CHECK(contains(show, "450 4.2.0 later"));
  CHECK(ferry.run("queue cat " + ferry.ids[0]).output == ferry.relay().content_of(ferry.ids[0]));
  CHECK(contains(ferry.run("status"), "relay.example.com"));
  CHECK(boost::json::parse(ferry.run("status --json").output).at("queue").at("messages").to_number<int>() == 3);

  CHECK(ferry.run("queue drop").code == 2);
  const Ran unsure = ferry.run("queue drop --from '*'");
  CHECK(unsure.code == 1);
  CHECK(contains(unsure, "--yes"));
  CHECK(ferry.run("queue drop " + ferry.ids[0]).code == 0);
  ferry.sink().script({});
  CHECK(ferry.run("queue retry --yes --from '*'").code == 0);
  CHECK(ferry.sink().receives(2));
  CHECK(ferry.run("queue show " + ferry.ids[0]).code == 1);
}

TEST_CASE("the queue is read while the relay is stopped, and not changed") {
  Ferry ferry;
  const std::string content = ferry.relay().content_of(ferry.ids[1]);
  ferry.stop();
  const Ran list = ferry.run("queue list");
  CHECK(list.code == 0);
  for (const std::string& id : ferry.ids) CHECK(contains(list, id));
  CHECK(boost::json::parse(ferry.run("queue list --json --from 'a@*'").output).as_array().size() == 1);
  CHECK(contains(ferry.run("queue show " + ferry.ids[1]), "450 4.2.0 later"));
  CHECK(ferry.run("queue cat " + ferry.ids[1]).output == content);
  const Ran drop = ferry.run("queue drop " + ferry.ids[1]);
  CHECK(drop.code == 1);
  CHECK(contains(drop, "not running"));
  const Ran status = ferry.run("status");
  CHECK(status.code == 1);
  CHECK(contains(status, "not running"));
}

TEST_CASE("the playground shows the main job", "[.][playground]") {
  const Ran ran = run("playground --once --listen 127.0.0.1:" + std::to_string(free_port()));
  INFO(ran.output);
  CHECK(ran.code == 0);
  CHECK(contains(ran, "\ndkim=pass"));
}
