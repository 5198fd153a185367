// One host at a time: TLS as the policy has it, what is remembered of hosts, BDAT, and the limits that servers declare.
#include "relay/delivery/attempt.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/ssl.h>

#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <future>

#include "queue/content_file.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using relay::Task;
using relay::delivery::Attempt;
using relay::delivery::HostMemory;
using relay::delivery::TlsPolicy;
using relay::delivery::Trouble;
using Strings = std::vector<std::string>;

const TlsPolicy opportunistic;
const TlsPolicy required{mail::TlsUse::required, false, false};
const TlsPolicy verified{mail::TlsUse::required, true, false};
const TlsPolicy implicit{mail::TlsUse::required, false, true};

std::shared_ptr<const queue::Message> message_of(const std::string& prefix, queue::Content content, std::string_view octets) {
  auto message = std::make_shared<queue::Message>();
  message->envelope.reverse_path = mail::ReversePath::parse("a@client.example").value();
  message->prefix = prefix;
  message->content = std::move(content);
  message->crc = queue::crc32(queue::crc32(0, prefix), octets);
  return message;
}

std::shared_ptr<const queue::Message> message_of(const std::string& text) {
  return message_of("Received: from there\r\n", queue::Content::in_memory(text), text);
}

/// What one call is to do.
class Call {
 public:
  dns::Candidate host;
  TlsPolicy tls;
  std::shared_ptr<const queue::Message> message;
  std::size_t recipients = 1;
};

/// The replies for the recipients, or where and why it failed.
Task<std::string> carry_out(relay::Services& services, std::shared_ptr<const relay::Settings> settings, Call call) {
  Attempt attempt(services, std::move(settings), call.host, call.tls);
  auto failure = co_await attempt.open();
  if (!failure) {
    mail::Transaction transaction;
    transaction.reverse_path = call.message->envelope.reverse_path;
    for (std::size_t i = 0; i < call.recipients; ++i) {
      transaction.recipients.emplace_back(mail::Mailbox("bob" + std::to_string(i), "example.net"));
    }
    failure = co_await attempt.send(std::move(transaction), call.message);
  }
  if (failure) co_return fmt::format("{}: {}", mail::describe(failure->stage), failure->words());
  co_await attempt.quit();
  Strings told;
  for (const mail::RecipientReply& own : attempt.outcome()) told.push_back(own.to_string());
  co_return fmt::format("{}", fmt::join(told, " | "));
}

/// A relay whose loop the calls are on.
class Caller {
 public:
  Caller() : relay_(config_in(folder_, 1)) { use_system_authorities(); }

  /// What SSL_CERT_FILE names now.
  void use_system_authorities() { settings_ = relay::make_settings(config_in(folder_, 1), relay::SecretUse::check_only).value(); }

  std::string call(Call call) {
    std::promise<std::string> told;
    relay_.on_loop([&](relay::Daemon& daemon) {
      boost::asio::co_spawn(daemon.services().loop, carry_out(daemon.services(), settings_, std::move(call)),
                            [&](const std::exception_ptr&, std::string result) { told.set_value(std::move(result)); });
    });
    return told.get_future().get();
  }
  std::string call(const Sink& sink, const TlsPolicy& tls = opportunistic, const std::string& name = "mx.example.net") {
    return call(Call{host(sink, name), tls, message_of("Subject: x\r\n\r\n.dot\r\n"), 1});
  }

  static dns::Candidate host(const Sink& sink, const std::string& name = "mx.example.net") {
    return dns::Candidate{name, base::IpAddress::parse(sink.address()).value(), sink.port()};
  }

  /// "tls dead"
  std::string remembered() {
    Strings troubles;
    with_memory([&](HostMemory& memory) {
      for (const auto& entry : memory.entries(relay::Clock::now())) troubles.emplace_back(name_of(entry.trouble));
    });
    return fmt::format("{}", fmt::join(troubles, " "));
  }
  void with_memory(const std::function<void(HostMemory&)>& work) {
    relay_.on_loop([&](relay::Daemon& daemon) { work(daemon.services().host_memory); });
  }
  /// Connections over which an earlier session was resumed, since the settings were made.
  long resumed() const { return SSL_CTX_sess_hits(settings_->client_tls->native_handle()); }
  const Folder& folder() const { return folder_; }

 private:
  Folder folder_;
  Relay relay_;
  std::shared_ptr<const relay::Settings> settings_;
};

/// Makes the sink's certificate one of the system's authorities for the caller.
void trust(Caller& caller, const Sink& sink) {
  const std::string authorities = caller.folder() / "authorities.pem";
  REQUIRE(base::write_file_durably(authorities, sink.certificate(), 0600));
  ::setenv("SSL_CERT_FILE", authorities.c_str(), 1);
  caller.use_system_authorities();
  ::unsetenv("SSL_CERT_FILE");
}

const std::string taken = "250 2.0.0 taken";

}  // namespace

TEST_CASE("after a failed handshake the host is spoken to in plain text at once, until an admin forgets") {
  Sink sink;
  sink.offer_tls(Sink::Tls::breaks);
  Caller caller;
  CHECK(caller.call(sink) == taken);
  CHECK(caller.remembered() == "tls");
  CHECK(caller.call(sink) == taken);
  CHECK(sink.count_of("STARTTLS") == 1);
  CHECK(sink.connections() == 3);
  caller.with_memory([](HostMemory& memory) { CHECK(memory.forget("mx.example.net") == 1); });
  sink.offer_tls(Sink::Tls::works);
  CHECK(caller.call(sink) == taken);
  CHECK(sink.arrivals().back().tls);
  CHECK(caller.remembered().empty());
}

TEST_CASE("under a policy a failed handshake is neither remembered nor followed by plain text") {
  Sink sink;
  sink.offer_tls(Sink::Tls::breaks);
  Caller caller;
  caller.with_memory([&](HostMemory& memory) { memory.add(Caller::host(sink), Trouble::tls, relay::Clock::now()); });
  CHECK(caller.call(sink, required).starts_with("the TLS handshake: TLS handshake failed"));
  caller.with_memory([](HostMemory& memory) { memory.clear(); });
  CHECK(caller.call(sink, required).starts_with("the TLS handshake: "));
  CHECK(caller.remembered().empty());
  CHECK(sink.count_of("STARTTLS") == 2);
  CHECK(sink.connections() == 2);
}

TEST_CASE("what goes wrong before the handshake, or in plain text too, says nothing of TLS") {
  Sink sink;
  Caller caller;
  const std::string verb = GENERATE("greeting", "EHLO", "STARTTLS", "plain");
  sink.offer_tls(Sink::Tls::breaks);
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == verb || (verb == "plain" && said.connection == 2)) return hang_up;
    return std::nullopt;
  });
  CHECK(caller.call(sink).find(": lost the connection waiting for ") != std::string::npos);
  CHECK(caller.remembered().empty());
  CHECK(sink.connections() == (verb == "plain" ? 2U : 1U));
}

TEST_CASE("a verified certificate is good and for the host's name") {
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  Caller caller;
  CHECK(caller.call(sink, verified) ==
        "the TLS handshake: the certificate of mx.example.net is not to be trusted: self-signed certificate");
  CHECK(caller.call(sink, required) == taken);
  trust(caller, sink);
  CHECK(caller.call(sink, verified) == taken);
  CHECK(caller.call(sink, verified, "other.example.net") ==
        "the TLS handshake: the certificate of other.example.net is not to be trusted: hostname mismatch");
  CHECK(caller.call(sink, verified, "[127.0.0.1]") ==
        "the TLS handshake: the certificate of [127.0.0.1] is not to be trusted: IP address mismatch");
  CHECK(sink.arrivals().size() == 2);
  CHECK(caller.remembered().empty());
}

TEST_CASE("the next connection to a host resumes its session, until new settings are read") {
  Sink sink;
  const bool at_once = GENERATE(true, false);
  sink.offer_tls(at_once ? Sink::Tls::implicit : Sink::Tls::works);
  const TlsPolicy& policy = at_once ? implicit : opportunistic;
  Caller caller;
  CHECK(caller.call(sink, policy) == taken);
  CHECK(caller.resumed() == 0);
  CHECK(caller.call(sink, policy) == taken);
  CHECK(caller.resumed() == 1);
  caller.use_system_authorities();
  CHECK(caller.call(sink, policy) == taken);
  CHECK(caller.resumed() == 0);
}

TEST_CASE("a certificate is verified although there is a session in which it was not") {
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  Caller caller;
  CHECK(caller.call(sink, required) == taken);
  CHECK(caller.call(sink, verified).ends_with("is not to be trusted: self-signed certificate"));
  trust(caller, sink);
  CHECK(caller.call(sink, required) == taken);
  CHECK(caller.call(sink, verified) == taken);
  CHECK(caller.resumed() == 0);
  CHECK(caller.call(sink, verified) == taken);
  CHECK(caller.resumed() == 1);
}

TEST_CASE("a handshake that fails with a session is tried once more without one") {
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  Caller caller;
  CHECK(caller.call(sink, required) == taken);
  sink.offer_tls(Sink::Tls::breaks);
  CHECK(caller.call(sink, required).starts_with("the TLS handshake: "));
  CHECK(sink.connections() == 3);
  CHECK(caller.call(sink, required).starts_with("the TLS handshake: "));
  CHECK(sink.connections() == 4);
}

TEST_CASE("with implicit TLS nothing is said in plain text") {
  Sink sink;
  sink.offer_tls(Sink::Tls::implicit);
  Caller caller;
  CHECK(caller.call(sink, implicit) == taken);
  CHECK(sink.arrivals().front().tls);
  CHECK(sink.count_of("EHLO") == 1);
  CHECK(sink.count_of("STARTTLS") == 0);
}

TEST_CASE("a host that does not answer is remembered as dead, until it does") {
  auto sink = std::make_unique<Sink>();
  const std::uint16_t port = sink->port();
  const dns::Candidate host = Caller::host(*sink);
  sink->end();
  Caller caller;
  const Call call{host, opportunistic, message_of("x\r\n"), 1};
  CHECK(caller.call(call).starts_with("the connection: cannot connect: "));
  CHECK(caller.remembered() == "dead");
  sink = std::make_unique<Sink>("127.0.0.1", port);
  CHECK(caller.call(call) == taken);
  CHECK(caller.remembered().empty());
}

TEST_CASE("content goes in one chunk where it may, without dot-stuffing") {
  Sink sink;
  sink.offer("CHUNKING");
  Caller caller;
  CHECK(caller.call(sink) == taken);
  const std::string text = "Received: from there\r\nSubject: x\r\n\r\n.dot\r\n";
  CHECK(sink.arrivals().front().content == text);
  CHECK(sink.count_of(fmt::format("BDAT {} LAST", text.size())) == 1);
  CHECK(sink.count_of("DATA") == 0);
}

TEST_CASE("a file goes in pieces, and one that is damaged never arrives, in a chunk or with DATA") {
  Sink sink;
  if (GENERATE(true, false)) sink.offer("CHUNKING");
  Caller caller;
  std::string octets;
  while (octets.size() < 300'000) octets += ".line " + std::to_string(octets.size()) + "\r\n";
  const std::string path = caller.folder() / "content";
  const std::string prefix = "Received: from there\r\n";
  const auto put = [&](const std::string& content) { REQUIRE(base::write_file_durably(path, content, 0600)); };
  const auto content = queue::Content::in_file(path, octets.size());
  const Call call{Caller::host(sink), opportunistic, message_of(prefix, content, octets), 1};
  put(octets);
  CHECK(caller.call(call) == taken);
  CHECK(sink.arrivals().front().content == prefix + octets);

  std::string other = octets;
  other[1000] = 'y';
  for (const std::string& damaged : {other, octets + octets, octets + "x", octets.substr(0, 200'000), std::string()}) {
    put(damaged);
    CHECK(caller.call(call).ends_with(" is damaged"));
  }
  CHECK(sink.arrivals().size() == 1);
}

TEST_CASE("where BDAT turns out to be unknown DATA is used the next time") {
  Sink sink;
  sink.offer("CHUNKING");
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "BDAT") return "502 5.5.1 what?";
    return std::nullopt;
  });
  Caller caller;
  CHECK(caller.call(sink) == "the reply to DATA: the server offers CHUNKING and does not know BDAT: \"502 5.5.1 what?\"");
  CHECK(caller.remembered() == "chunks");
  CHECK(caller.call(sink) == taken);
  CHECK(sink.arrivals().front().content.ends_with(".dot\r\n"));
}

TEST_CASE("recipients beyond the server's limit follow in another transaction of the same connection") {
  Sink sink;
  sink.offer("LIMITS RCPTMAX=2");
  Caller caller;
  const Call call{Caller::host(sink), opportunistic, message_of("x\r\n"), 5};
  CHECK(caller.call(call) == fmt::format("{0} | {0} | {0} | {0} | {0}", taken));
  const auto arrivals = sink.arrivals();
  REQUIRE(arrivals.size() == 3);
  CHECK(arrivals[0].rcpts == Strings{"RCPT TO:<bob0@example.net>", "RCPT TO:<bob1@example.net>"});
  CHECK(arrivals[2].rcpts == Strings{"RCPT TO:<bob4@example.net>"});
  CHECK(sink.connections() == 1);
}

TEST_CASE("recipients for whom a connection has no room left wait") {
  Sink sink;
  sink.offer("LIMITS RCPTMAX=2 MAILMAX=2");
  Caller caller;
  const Call call{Caller::host(sink), opportunistic, message_of("x\r\n"), 5};
  CHECK(caller.call(call) ==
        fmt::format("{0} | {0} | {0} | {0} | the server takes no more recipients and messages at a time", taken));
  CHECK(sink.arrivals().size() == 2);
}

TEST_CASE("a failure leaves those who have their reply with it") {
  Sink sink;
  sink.offer("LIMITS RCPTMAX=1");
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "MAIL" && said.message == 1) return hang_up;
    return std::nullopt;
  });
  Caller caller;
  const Call call{Caller::host(sink), opportunistic, message_of("x\r\n"), 3};
  CHECK(caller.call(call).starts_with("the reply to MAIL FROM: lost the connection"));
  CHECK(sink.arrivals().size() == 1);
}

TEST_CASE("a message that is too large for the server is not even offered") {
  Sink sink;
  sink.offer("SIZE 20");
  Caller caller;
  CHECK(caller.call(sink) == "the message has 42 octets and the server takes 20");
  CHECK(sink.count_of("MAIL") == 0);
}
