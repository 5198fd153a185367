// The program: its commands, their words and their exit codes.
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <regex>

#include "base/text.h"
#include "queue/message.h"
#include "relay/cli/display.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/program.h"
#include "tests/unit/relay/shown.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

Ran run(const std::string& arguments, const std::string& environment = {}) {
  return run_command(environment + " " + MAILFERRY_PROGRAM + " " + arguments + " 2>&1 </dev/null");
}

bool contains(const Ran& ran, std::string_view text) { return ran.tells(text); }

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
      ids.push_back(id_in(client.send(from, {"bob@example.net"}, message(from, std::string(1, from[0])))));
    }
    REQUIRE(eventually([this] { return relay_->rows("?state=deferred").size() == 3; }));
  }

  Ran run(const std::string& arguments, const std::string& environment = {}) const {
    return ::run(arguments + " -c " + path(), environment);
  }
  /// All have been tried since they were due, and are not being tried now.
  bool rest_again() const {
    const json::array rows = relay_->rows("?state=deferred");
    return rows.size() == 3 && std::ranges::all_of(rows, [](const json::value& row) {
             return row.at("next_seconds").is_number() && row.at("next_seconds").to_number<std::int64_t>() > 60;
           });
  }
  /// What is printed on a terminal of that many columns, with the ids, ages and times that change put into one form.
  std::string shown(const std::string& arguments, int columns) const {
    std::string text = run(arguments, "COLUMNS=" + std::to_string(columns)).output;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string name = "MESSAGE---" + std::to_string(i + 1);
      for (std::size_t at = 0; (at = text.find(ids[i])) != std::string::npos;) text.replace(at, name.size(), name);
    }
    text = std::regex_replace(text, std::regex(" [0-9]s"), " 1s");
    text = std::regex_replace(text, std::regex("[56][0-9]m"), "60m");
    text = std::regex_replace(text, std::regex(" (29|30)[0-9] "), " 301 ");
    return std::regex_replace(text, std::regex("2[0-9]{3}-[0-9-]+T[0-9:]+Z"), "2026-01-01T00:00:00Z");
  }
  /// The calling process becomes the program.
  void become(const std::string& arguments, const std::string& environment = {}) const {
    const std::string command = environment + " exec " + MAILFERRY_PROGRAM + " " + arguments + " -c " + path();
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  }
  /// Of the array that a command prints as JSON.
  std::size_t rows(const std::string& command) const {
    return boost::json::parse(run(command + " --json").output).as_array().size();
  }
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
       {"", "nonsense", "queue", "queue show", "--nonsense", "queue list --limit -1", "queue show nothing!", "queue drop",
        "queue hold --yes", "queue list --state lost", "queue list --older never", "queue list --json --watch",
        "queue summary --by colour", "queue drop --state active", "queue retry nothing!", "queue pause", "hosts forget",
        "queue hold --from", "queue list --from bob"}) {
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

TEST_CASE("a listing fits 80 columns: an address keeps its domain, a reply its code") {
  Ferry ferry;
  CHECK(ferry.shown("queue list", 80) ==
        "ID          AGE SIZE SENDER         RECIPIENT       STATE    TRY NEXT LAST REPLY\n"
        "MESSAGE---1  1s  301 …lient.example bob@example.net deferred   1  60m 450 4.2.0…\n"
        "MESSAGE---2  1s  301 …lient.example bob@example.net deferred   1  60m 450 4.2.0…\n"
        "MESSAGE---3  1s  301 …other.example bob@example.net deferred   1  60m 450 4.2.0…\n");
}

TEST_CASE("a listing widens with the terminal") {
  Ferry ferry;
  CHECK(ferry.shown("queue list", 120) ==
        "ID           AGE  SIZE  SENDER            RECIPIENT        STATE     TRY  NEXT  LAST REPLY\n"
        "MESSAGE---1   1s   301  a@client.example  bob@example.net  deferred    1   60m  450 4.2.0 later\n"
        "MESSAGE---2   1s   301  b@client.example  bob@example.net  deferred    1   60m  450 4.2.0 later\n"
        "MESSAGE---3   1s   301  c@other.example   bob@example.net  deferred    1   60m  450 4.2.0 later\n");
}

TEST_CASE("on a narrow terminal a listing leaves out what says least") {
  Ferry ferry;
  CHECK(ferry.shown("queue list --limit 1", 40) ==
        "ID          RECIPIE… STATE    LAST REPLY\n"
        "MESSAGE---1 …ple.net deferred 450 4.2.0…\n");
}

TEST_CASE("a summary fits 80 columns and widens with the terminal") {
  Ferry ferry;
  CHECK(ferry.shown("queue summary", 80) ==
        "DOMAIN       WAIT  QUEUED  DEFER  HELD  OLDEST  NEXT  LAST REPLY\n"
        "example.net     3       0      3     0      1s   60m  450 4.2.0 later\n");
  CHECK(ferry.shown("queue summary --by sender", 70) ==
        "SENDER           WAIT QUEUED DEFER HELD OLDEST NEXT LAST REPLY\n"
        "TOTAL (3)           3      0     3    0     1s\n"
        "a@client.example    1      0     1    0     1s  60m 450 4.2.0 later\n"
        "b@client.example    1      0     1    0     1s  60m 450 4.2.0 later\n"
        "c@other.example     1      0     1    0     1s  60m 450 4.2.0 later\n");
  CHECK(ferry.shown("queue summary --by sender", 120) ==
        "SENDER            WAIT  QUEUED  DEFER  HELD  OLDEST  NEXT  LAST REPLY\n"
        "TOTAL (3)            3       0      3     0      1s\n"
        "a@client.example     1       0      1     0      1s   60m  450 4.2.0 later\n"
        "b@client.example     1       0      1     0      1s   60m  450 4.2.0 later\n"
        "c@other.example      1       0      1     0      1s   60m  450 4.2.0 later\n");
  CHECK(ferry.shown("queue summary --by mx", 120) ==
        "MX               WAIT  QUEUED  DEFER  HELD  OLDEST  NEXT  LAST REPLY\n"
        "mx1.example.net     3       0      3     0      1s   60m  450 4.2.0 later\n");
}

TEST_CASE("one message is shown in full") {
  Ferry ferry;
  CHECK(ferry.shown("queue show " + ferry.ids[0], 80) ==
        "id          MESSAGE---1\n"
        "message-id  <a@client.example>\n"
        "received    2026-01-01T00:00:00Z\n"
        "from        client.example[127.0.0.1]\n"
        "expires     2026-01-01T00:00:00Z\n"
        "size        301 octets\n"
        "sender      <a@client.example>\n"
        "\n"
        "<bob@example.net>  deferred, 1 attempt, next 2026-01-01T00:00:00Z (60m)\n"
        "    mx1.example.net: 450 4.2.0 later\n");
}

TEST_CASE("no line of a table is longer than its terminal, whatever was said") {
  Ferry ferry;
  for (const char* command : {"queue list", "queue summary", "queue summary --by sender", "queue pauses", "status"}) {
    for (const int columns : {40, 60, 80, 120, 200}) {
      const std::string text = ferry.run(command, "COLUMNS=" + std::to_string(columns)).output;
      INFO(command << " at " << columns << ":\n" << text);
      for (const std::string_view line : base::split(text, '\n'))
        CHECK(relay::cli::display_width(line) <= static_cast<std::size_t>(columns));
    }
  }
}

TEST_CASE("the queue is seen through the running relay") {
  Ferry ferry;
  const Ran list = ferry.run("queue list");
  CHECK(list.code == 0);
  for (const std::string& id : ferry.ids) CHECK(contains(list, id));
  CHECK(base::split(list.output, '\n').size() == 5);
  CHECK(ferry.rows("queue list") == 3);
  CHECK(ferry.rows("queue list --limit 2") == 2);
  CHECK(ferry.rows("queue list --from '*@client.example'") == 2);
  CHECK(contains(ferry.run("queue list --to nobody@example.net"), "no message matches"));

  const Ran show = ferry.run("queue show " + ferry.ids[0]);
  CHECK(show.code == 0);
  CHECK(contains(show, "450 4.2.0 later"));
  CHECK(ferry.run("queue cat " + ferry.ids[0]).output == ferry.relay().content_of(ferry.ids[0]));
  CHECK(contains(ferry.run("status"), "relay.example.com"));
  CHECK(boost::json::parse(ferry.run("status --json").output).at("queue").at("messages").to_number<int>() == 3);
}

TEST_CASE("every filter narrows the listing, the counting and the actions") {
  Ferry ferry;
  struct Case {
    std::string filter;
    std::size_t matches;
  };
  const Case cases[] = {{"--id " + ferry.ids[1], 1}, {"--id " + ferry.ids[1] + " --id " + ferry.ids[2], 2},
                        {"--message-id '<c@*>'", 1}, {"--from 'a@*' ", 1},
                        {"--to bob@example.net", 3}, {"--to eve@example.net", 0},
                        {"--domain example.net", 3}, {"--domain '*.org'", 0},
                        {"--mx 'mx1.*'", 3},         {"--mx 'mx2.*'", 0},
                        {"--state deferred", 3},     {"--state held", 0},
                        {"--state active", 0},       {"--older 1h", 0},
                        {"--newer 1h", 3},           {"--reply LATER", 3},
                        {"--reply never", 0}};
  for (const Case& each : cases) {
    INFO(each.filter);
    CHECK(ferry.rows("queue list " + each.filter) == each.matches);
    if (each.filter == "--state active") continue;
    const Ran acted = ferry.run("queue hold --yes --json " + each.filter);
    CHECK(acted.code == (each.matches == 0 ? 1 : 0));
    CHECK(boost::json::parse(acted.output).at("touched").to_number<std::size_t>() == each.matches);
    ferry.run("queue release --yes --wait --to '*'");
    REQUIRE(eventually([&] { return ferry.rest_again(); }));
  }
}

TEST_CASE("an action asks before it is done to more than one message") {
  Ferry ferry;
  const Ran unsure = ferry.run("queue drop --from '*'");
  CHECK(unsure.code == 1);
  CHECK(contains(unsure, "3 messages to 3 recipients match; add --yes to drop them all"));
  CHECK(ferry.relay().rows().size() == 3);
  const Ran one = ferry.run("queue drop --from 'a@*'");
  CHECK(one.code == 0);
  CHECK(one.output == "dropped 1 recipient\n");
  CHECK(ferry.run("queue drop " + ferry.ids[1]).code == 0);
  CHECK(ferry.run("queue show " + ferry.ids[1]).code == 1);
  CHECK(ferry.relay().rows().size() == 1);
  const Ran none = ferry.run("queue drop --from 'a@*'");
  CHECK(none.code == 1);
  CHECK(contains(none, "no message matches"));
}

TEST_CASE("on a terminal a person is asked, and nothing but y means yes") {
  Ferry ferry;
  for (const char* answer : {"n\n", "\n", "y\n"}) {
    CHECK(ferry.relay().rows().size() == 3);
    Shown shown(80, 24, [&] { ferry.become("queue drop --from '*'"); });
    CHECK(shown.read_until("[y/N] ").ends_with("drop 3 messages to 3 recipients? [y/N] "));
    shown.type(answer);
    shown.all();
  }
  CHECK(ferry.relay().empties());
}

TEST_CASE("a message on a terminal cannot steer it; elsewhere it comes to the octet") {
  Ferry ferry;
  Client client = ferry.relay().client();
  client.ehlo();
  const std::string body = "red \x1b[31m \tand \xC2\x9B bell \x07\r\n";
  const std::string id = id_in(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "x", body)));
  CHECK(contains(ferry.run("queue cat " + id), body));
  Shown shown(80, 24, [&] { ferry.become("queue cat " + id, "PAGER=cat"); });
  const std::string text = shown.all();
  CHECK(text.find("red \\x1b[31m \tand \\xc2\\x9b bell \\x07\n") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("a long listing goes through the pager") {
  Ferry ferry;
  Shown shown(80, 3, [&] { ferry.become("queue list", "NO_COLOR=1 PAGER='sed s/^/paged:/'"); });
  CHECK(shown.all().starts_with("paged:ID "));
}

TEST_CASE("an id that is not there is named, and nothing is done to the others") {
  Ferry ferry;
  const Ran ran = ferry.run("queue drop --yes 00000000001 " + ferry.ids[0]);
  CHECK(ran.code == 1);
  CHECK(contains(ran, "not in the queue: 00000000001"));
  CHECK(ferry.relay().rows().size() == 3);

  std::string many = ferry.ids[0];
  for (int i = 1; i <= 3000; ++i) many += " " + queue::QueueId(static_cast<std::uint64_t>(i)).to_string();
  CHECK(contains(ferry.run("queue drop " + many), "00000000005 and 2995 more"));
  CHECK(ferry.relay().rows().size() == 3);
}

TEST_CASE("an admin retries, holds, releases and bounces") {
  Ferry ferry;
  CHECK(ferry.run("queue hold " + ferry.ids[0]).output == "held 1 recipient\n");
  CHECK(ferry.rows("queue list --state held") == 1);
  CHECK(contains(ferry.run("status"), "1 of them held"));
  ferry.sink().script({});
  CHECK(ferry.run("queue retry --yes --wait --from '*'").code == 0);
  CHECK(ferry.sink().receives(2));
  CHECK(ferry.relay().states(ferry.ids[0]) == "held");
  CHECK(ferry.run("queue release --state held").output == "released 1 recipient\n");
  CHECK(ferry.sink().receives(3));
  CHECK(ferry.relay().empties());
}

TEST_CASE("a destination is paused and resumed") {
  Ferry ferry;
  CHECK(contains(ferry.run("queue pauses"), "nothing is paused"));
  const Ran paused = ferry.run("queue pause example.net");
  CHECK(paused.code == 0);
  CHECK(contains(paused, "paused example.net: 3 recipients of 1 destination wait"));
  CHECK(contains(ferry.run("queue pauses"), "example.net"));
  CHECK(ferry.rows("queue pauses") == 1);
  CHECK(contains(ferry.run("status"), "paused       example.net since "));
  CHECK(ferry.run("queue resume example.net").output == "resumed example.net\n");
  const Ran again = ferry.run("queue resume example.net");
  CHECK(again.code == 1);
  CHECK(contains(again, "example.net is not paused"));
  CHECK(ferry.rows("queue pauses") == 0);
}

TEST_CASE("what is remembered of hosts is listed and forgotten") {
  Ferry ferry;
  const auto remember = [&] {
    ferry.relay().on_loop([](relay::Daemon& daemon) {
      for (const char* name : {"mx1.example.net", "mx2.example.net"}) {
        const dns::Candidate host{name, base::IpAddress::parse("192.0.2.1").value(),
                                  name[2] == '1' ? std::uint16_t{25} : std::uint16_t{465}};
        daemon.services().host_memory.add(host, relay::delivery::Trouble::dead, relay::Clock::now());
      }
    });
  };
  CHECK(ferry.run("hosts").output == "nothing is remembered of any host\n");
  CHECK(ferry.rows("hosts") == 0);
  remember();
  CHECK(contains(ferry.run("hosts"), "mx1.example.net"));
  CHECK(ferry.rows("hosts") == 2);
  CHECK(contains(ferry.run("status"), "hosts        2 troubles remembered"));
  CHECK(ferry.run("hosts forget mx1.example.net").output == "forgot 1 trouble of mx1.example.net\n");
  const Ran again = ferry.run("hosts forget mx1.example.net");
  CHECK(again.code == 1);
  CHECK(contains(again, "nothing is remembered of mx1.example.net; mailferry hosts lists what is"));
  remember();
  CHECK(ferry.run("hosts forget all").output == "forgot 2 troubles of all hosts\n");
  CHECK(ferry.run("hosts forget all --json").output == "{\"forgotten\":0}\n");
  ferry.stop();
  CHECK(contains(ferry.run("hosts"), "needs the running relay"));
}

TEST_CASE("a watched listing comes again until it is interrupted") {
  Ferry ferry;
  for (const char* command : {"queue list --watch", "queue summary --watch"}) {
    const Ran ran = ferry.run(command, "timeout -s INT 3");
    INFO(ran.output);
    CHECK(contains(ran, "every 2 s"));
    CHECK(ran.output.find("every 2 s") != ran.output.rfind("every 2 s"));
    CHECK(contains(ran, "example.net"));
    CHECK(ran.output.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("the queue is read while the relay is stopped, and not changed") {
  Ferry ferry;
  const std::string content = ferry.relay().content_of(ferry.ids[1]);
  ferry.run("queue pause example.net");
  ferry.stop();
  const Ran list = ferry.run("queue list");
  CHECK(list.code == 0);
  for (const std::string& id : ferry.ids) CHECK(contains(list, id));
  CHECK(ferry.rows("queue list --from 'a@*'") == 1);
  CHECK(ferry.rows("queue list --state active") == 0);
  CHECK(ferry.rows("queue list --limit 2") == 2);
  CHECK(ferry.rows("queue summary") == 1);
  CHECK(ferry.rows("queue pauses") == 1);
  CHECK(contains(ferry.run("queue pauses"), "example.net"));
  CHECK(contains(ferry.run("queue show " + ferry.ids[1]), "450 4.2.0 later"));
  CHECK(ferry.run("queue cat " + ferry.ids[1]).output == content);
  for (const char* command : {"queue drop --yes --to '*'", "queue pause example.net", "queue resume example.net", "status"}) {
    const Ran ran = ferry.run(command);
    INFO(command);
    CHECK(ran.code == 1);
    CHECK(contains(ran, "not running"));
    CHECK(contains(ran, "start it first"));
  }
}

TEST_CASE("the playground shows the main job", "[.][playground]") {
  const Ran ran = run("playground --once --listen 127.0.0.1:" + std::to_string(free_port()));
  INFO(ran.output);
  CHECK(ran.code == 0);
  CHECK(contains(ran, "\ndkim=pass"));
}
