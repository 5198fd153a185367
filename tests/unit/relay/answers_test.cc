// What the commands say of a relay whose answers are made up: trouble and long actions that a test cannot have at will.
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "tests/catch.h"
#include "tests/unit/relay/folder.h"

namespace {

using world::Folder;

/// Listens on an admin socket and answers each "METHOD /path" (without the query) with its JSON; every command is one connection.
class MadeUpRelay {
 public:
  using Answers = std::map<std::string, std::string>;

  explicit MadeUpRelay(Answers answers)
      : answers_(std::move(answers)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);  // NOLINT
    REQUIRE(::listen(listener_.get(), 4) == 0);
    const std::string text = "hostname = \"relay.example.com\"\npostmaster = \"a@example.com\"\nspool = \"" +
                             (folder_ / "spool") + "\"\nspool_unsafe = true\n[admin]\nsocket = \"" + socket_ + "\"\n";
    REQUIRE(base::write_file_durably(folder_ / "mailferry.toml", text, 0600));
    thread_ = std::thread([this] { serve(); });
  }
  ~MadeUpRelay() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  MadeUpRelay(const MadeUpRelay&) = delete;
  MadeUpRelay& operator=(const MadeUpRelay&) = delete;

  /// Both streams of a command, and its exit code in front: "0 text".
  std::string run(const std::string& arguments, int columns = 80) const {
    const std::string command = "COLUMNS=" + std::to_string(columns) + " " + MAILFERRY_PROGRAM + " " + arguments + " -c " +
                                (folder_ / "mailferry.toml") + " 2>&1 </dev/null";
    FILE* pipe = ::popen(command.c_str(), "re");
    REQUIRE(pipe != nullptr);
    std::string output;
    std::array<char, 4096> piece{};
    for (std::size_t count = 0; (count = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
      output.append(piece.data(), count);
    return std::to_string(WEXITSTATUS(::pclose(pipe))) + " " + output;
  }

 private:
  void serve() const {
    for (;;) {
      const base::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection) return;
      std::string waiting;
      while (answer(connection.get(), waiting)) continue;
    }
  }

  /// One request; false when the client is gone.
  bool answer(int connection, std::string& waiting) const {
    std::array<char, 4096> piece{};
    std::size_t end = 0;
    while ((end = waiting.find("\r\n\r\n")) == std::string::npos || waiting.size() < end + 4 + body_size(waiting)) {
      const ssize_t count = ::read(connection, piece.data(), piece.size());
      if (count <= 0) return false;
      waiting.append(piece.data(), static_cast<std::size_t>(count));
    }
    const auto words = base::words(std::string_view(waiting).substr(0, waiting.find('\r')));
    const auto found = answers_.find(std::string(words[0]) + " " + std::string(words[1].substr(0, words[1].find('?'))));
    const std::string body = found == answers_.end() ? R"({"error":"no such resource"})" : found->second;
    const std::string reply = std::string("HTTP/1.1 ") + (found == answers_.end() ? "404 Not Found" : "200 OK") +
                              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    waiting.erase(0, end + 4 + body_size(waiting));
    return ::write(connection, reply.data(), reply.size()) == static_cast<ssize_t>(reply.size());
  }

  static std::size_t body_size(const std::string& request) {
    const std::string name = "Content-Length: ";
    const std::size_t at = request.find(name);
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + name.size()));
  }

  Answers answers_;
  Folder folder_;
  std::string socket_ = folder_ / "admin.sock";
  base::Fd listener_;
  std::thread thread_;
};

std::string action(const std::string& finished, int touched, int skipped) {
  return R"({"id":"0Q2M8C4T0X1","action":"hold","filter":"--from \"a b@c.example\"","begun":"2026-01-01T00:00:00Z","finished":)" +
         finished + ",\"touched\":" + std::to_string(touched) + ",\"skipped\":" + std::to_string(skipped) + "}";
}

MadeUpRelay::Answers acting(const std::string& last) {
  return {{"GET /v1/queue/count", R"({"messages":9000,"recipients":10000,"more":true})"},
          {"POST /v1/queue/actions", R"({"id":"0Q2M8C4T0X1"})"},
          {"GET /v1/queue/actions/0Q2M8C4T0X1", last}};
}

const std::string over = "\"2026-01-01T00:00:01Z\"";

std::string status_of(const std::string& more) {
  return R"({"version":"1","hostname":"relay.example.com","pid":7,"started":"2026-01-01T00:00:00Z","uptime_seconds":90000,)"
         R"("dkim":[],"delivery":{"limited":[],"fallbacks":[],"host_troubles":12,"warmup":null},"listening":["[::]:25"],"host_names":[{"name":"home.example","addresses":["192.0.2.1","2001:db8::1"],)"
         R"("looked_up":"2026-01-02T00:00:00Z","failure":null,"failed":null},{"name":"office.example","addresses":[],)"
         R"("looked_up":"2026-01-02T00:00:00Z","failure":"DNS: SERVFAIL","failed":"2026-01-01T00:00:00Z"}],)"
         R"("queue":{"messages":1234567,"recipients":2345678,"held":1000,"quarantined":7},)"
         R"("store":"full","free_space":1,"since_start":{"accepted":1,"refused":2,"delivered":3,"deferred":4,"bounced":5,)"
         R"("connections_in":6,"connections_out":7},"connections_in":8,"connections_out":9,)" +
         more + "}";
}

}  // namespace

TEST_CASE("an action that takes long goes on in the background, and the command says how to see it") {
  const MadeUpRelay relay(acting(action("null", 12'400, 0)));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(relay.run("queue hold --yes --from '*'") ==
        "0 held 12,400 recipients so far; it goes on in the background as action 0Q2M8C4T0X1: see mailferry status\n");
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("an action tells what was left alone, and fails when there was nothing to do") {
  CHECK(MadeUpRelay(acting(action(over, 5, 2))).run("queue hold --yes --from '*'") ==
        "0 held 5 recipients; 2 recipients were being delivered and left alone\n");
  CHECK(MadeUpRelay(acting(action(over, 0, 1))).run("queue hold --yes --from '*'") ==
        "1 held 0 recipients; 1 recipient was being delivered and left alone\n");
  CHECK(MadeUpRelay(acting(action(over, 0, 0))).run("queue hold --yes --from '*'") == "1 nothing to hold\n");
}

TEST_CASE("more matches than anybody counts are more than that") {
  const MadeUpRelay relay(acting(action(over, 1, 0)));
  CHECK(relay.run("queue hold --from '*'") ==
        "1 mailferry: more than 9,000 messages to 10,000 recipients match; add --yes to hold them all\n");
}

TEST_CASE("status tells what needs an eye, in 80 columns") {
  const std::string words = R"("stuck":2,"pauses":[{"pattern":"*.outlook.com","since":"2026-01-01T00:00:00Z","age_seconds":60,)"
                            R"("warned":null,"destinations":12,"recipients":3400}],"actions":[)" +
                            action("null", 12'400, 3) +
                            R"(],"quarantined":[{"id":"0Q2M8C4T0X2","when":"2026-01-02T00:00:00Z","reason":"its content is )"
                            R"(not what was accepted","sender":"a@b.example"}])";
  const MadeUpRelay relay(MadeUpRelay::Answers{{"GET /v1/status", status_of(words)}});
  CHECK(relay.run("status") ==
        "0 mailferry 1 on relay.example.com, pid 7, up 1d 1h\n"
        "queue        1,234,567 messages, 2,345,678 recipients waiting, 1,000 of them\n"
        "             held; store full\n"
        "since start  1 accepted, 2 refused, 3 delivered, 4 deferred, 5 bounced\n"
        "connections  8 in, 9 out\n"
        "listening    [::]:25\n"
        "host name    home.example: 192.0.2.1, 2001:db8::1; looked up\n"
        "             2026-01-02T00:00:00Z\n"
        "host name    office.example: no address; looked up 2026-01-02T00:00:00Z; failed\n"
        "             2026-01-01T00:00:00Z: DNS: SERVFAIL\n"
        "paused       *.outlook.com since 2026-01-01T00:00:00Z: 3,400 recipients of 12\n"
        "             destinations\n"
        "hosts        12 troubles remembered; mailferry hosts lists them\n"
        "running      0Q2M8C4T0X1 hold --from \"a b@c.example\": 12,400 recipients so far,\n"
        "             3 left alone, since 2026-01-01T00:00:00Z\n"
        "stuck        2 delivery attempts; the log tells which\n"
        "quarantine   7 messages set aside as damaged\n"
        "             0Q2M8C4T0X2 from <a@b.example> at 2026-01-02T00:00:00Z: its content\n"
        "             is not what was accepted\n");
}

TEST_CASE("hosts lists what is remembered of them and what follows, in 80 columns") {
  const MadeUpRelay relay(MadeUpRelay::Answers{
      {"GET /v1/hosts",
       R"({"rows":[{"host":"mx1.example.net","address":"192.0.2.1","port":25,"trouble":"tls","times":2,"until":"x","left_seconds":1700},)"
       R"({"host":"mx.\u001b[31m.example","address":"2001:db8::1","port":2525,"trouble":"dead","times":1,"until":"x","left_seconds":59}]})"}});
  CHECK(relay.run("hosts") ==
        "0 HOST                 ADDRESS             TROUBLE                      TIMES  FOR\n"
        "mx1.example.net      192.0.2.1:25        tls: fails, so plaintext         2  28m\n"
        "mx.\\x1b[31m.example  [2001:db8::1]:2525  dead: no answer, tried last      1  59s\n");
}

TEST_CASE("an answer of the relay cannot steer the terminal") {
  const MadeUpRelay relay(MadeUpRelay::Answers{
      {"GET /v1/queue/pauses",
       R"({"rows":[{"pattern":"\u001b[31m\u009b\u202ered","since":"now","age_seconds":1,"warned":null,"reply":null,)"
       R"("destinations":1,"recipients":1}]})"}});
  const std::string text = relay.run("queue pauses");
  CHECK(text.find("\\x1b[31m\\xc2\\x9b\\u{202e}red") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}
