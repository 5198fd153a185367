// mailferry playground: the real relay in a built-in world on loopback, so that a newcomer sees the main job within a minute.
#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp is POSIX, not C++
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "relay/cli/commands.h"
#include "relay/daemon.h"
#include "relay/playground/receiver.h"

namespace relay::playground {
namespace {

using base::Kind;
using base::Result;

constexpr std::string_view sender_domain = "mydomain.example";
constexpr std::string_view selector = "us";

/// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mailferry-playground-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string configuration(const std::string& folder, const std::string& listen, std::uint16_t receiver_port) {
  return fmt::format(R"(# The playground's configuration: it goes when the playground ends.
hostname   = "relay.{0}"
postmaster = "postmaster@{0}"
spool      = "{1}/spool"
spool_unsafe = true

[[listen]]
address = "{2}"

[[dkim.sign]]
from     = "*@{0}"
domain   = "{0}"
selector = "{3}"
key      = "{1}/key.pem"

[delivery]
port = {4}

[retry]
delays = ["10s", "30s", "1m"]

[admin]
socket = "{1}/admin.sock"
submit = "{1}/submit.sock"
)",
                     sender_domain, folder, listen, selector, receiver_port);
}

std::unique_ptr<dns::StaticResolver> make_world(const dkim::PrivateKey& key) {
  auto world = std::make_unique<dns::StaticResolver>();
  const base::IpAddress loopback = base::IpAddress::v4({127, 0, 0, 1});
  world->add("playground.example", dns::RecordType::mx, dns::MxRecord{10, "mx.playground.example"});
  world->add("mx.playground.example", dns::RecordType::a, loopback);
  world->add(fmt::format("{}._domainkey.{}", selector, sender_domain), dns::RecordType::txt, key.public_record());
  return world;
}

queue::Message sample_message() {
  queue::Message message;
  message.envelope.reverse_path = mail::ReversePath(mail::Mailbox("founder", std::string(sender_domain)));
  message.content = queue::Content::in_memory(
      fmt::format("From: A founder <founder@{0}>\r\nTo: ok@playground.example\r\nSubject: First light\r\nDate: {1}\r\n"
                  "Message-ID: <first-light@{0}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                  "This message was accepted, signed, stored and delivered. 你好!\r\n",
                  sender_domain, mail::date_time(base::now())));
  message.envelope.body = mail::BodyType::eight_bit;
  return message;
}

void show(const Arrival& arrival) {
  std::string recipients;
  for (const mail::Recipient& recipient : arrival.envelope.recipients)
    recipients += fmt::format(" <{}>", recipient.mailbox.to_string());
  fmt::print("\n--- arrived at mx.playground.example, {}\nMAIL FROM <{}>, RCPT TO{}\n\n",
             arrival.tls.empty() ? "without TLS" : arrival.tls, arrival.envelope.reverse_path.to_string(), recipients);
  constexpr std::size_t shown = 4000;
  fmt::print("{}{}\n", std::string_view(arrival.text).substr(0, shown), arrival.text.size() > shown ? "...\n" : "");
  if (arrival.dkim.empty()) fmt::print("dkim=none\n");
  for (const DkimResult& result : arrival.dkim) fmt::print("dkim={}\n", result.words);
  std::fflush(stdout);
}

/// How the reader can call this program from where he stands.
std::string program() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || path.parent_path() == "/usr/bin") return "mailferry";
  return std::filesystem::proximate(path, error).string();
}

void show_what_to_try(const std::string& address, const std::string& config_path) {
  const std::size_t colon = address.rfind(':');
  fmt::print(
      "--- the relay is up on {0}; mail for ok@, defer@, reject@, slow@ and drop@playground.example shows what it does\n"
      "  swaks --server {1} --port {2} --from you@{3} --to defer@playground.example\n"
      "  {5} queue list -c {4}\n"
      "  {5} status -c {4}\n"
      "Ctrl-C ends it.\n",
      address, address.substr(0, colon), address.substr(colon + 1), sender_domain, config_path, program());
  std::fflush(stdout);
}

/// The relay, the receiver and the sample message, tied together.
class Playground {
 public:
  enum class Stay : std::uint8_t { until_stopped, until_sample_arrived };

  Playground(std::string listen, Stay stay) : listen_(std::move(listen)), stay_(stay) {}

  Result<bool> run() {
    if (folder_.path().empty()) return base::fail(Kind::storage, "cannot make a temporary folder");
    const dkim::PrivateKey key = dkim::PrivateKey::generate(dkim::Algorithm::rsa_sha256);
    if (auto written = base::write_file_durably(folder_.path() + "/key.pem", key.to_pem(), 0600); !written)
      return std::unexpected(written.error());
    auto world = make_world(key);
    asio::io_context probe;
    auto port = free_port(probe);
    if (!port) return std::unexpected(port.error());
    config_path_ = folder_.path() + "/mailferry.toml";
    const std::string text = configuration(folder_.path(), listen_, *port);
    if (auto written = base::write_file_durably(config_path_, text, 0600); !written) return std::unexpected(written.error());
    auto config = conf::parse_config(text, config_path_, folder_.path());
    if (!config) return std::unexpected(config.error());
    DaemonOptions options;
    dns::Resolver& resolver = *world;
    options.resolver = std::move(world);
    options.config_path = config_path_;
    options.ready = [this] { begin(); };
    auto daemon = Daemon::make(*config, std::move(options));
    if (!daemon) return std::unexpected(daemon.error());
    daemon_ = std::move(*daemon);
    Services& services = daemon_->services();
    receiver_ =
        std::make_unique<Receiver>(services.loop, services.tasks, resolver, [this](const Arrival& arrival) { arrived(arrival); });
    if (auto opened = receiver_->open(*port); !opened) return std::unexpected(opened.error());
    daemon_->run();
    receiver_.reset();  // it listens on the daemon's loop
    daemon_.reset();
    return verified_;
  }

 private:
  static Result<std::uint16_t> free_port(asio::io_context& context) {
    boost::system::error_code error;
    asio::ip::tcp::acceptor acceptor(context);
    const asio::ip::tcp::endpoint loopback(asio::ip::address_v4::loopback(), 0);
    acceptor.open(loopback.protocol(), error);
    if (!error) acceptor.bind(loopback, error);
    if (error) return base::fail(Kind::invalid, "no free port on loopback: " + error.message());
    return acceptor.local_endpoint(error).port();
  }

  void begin() {
    Services& services = daemon_->services();
    receiver_->run(services.settings.get()->server_tls);
    services.tasks.spawn(send_sample());
  }

  Task<void> send_sample() {
    Services& services = daemon_->services();
    const base::Endpoint door = daemon_->addresses().front();
    dns::Candidate relay{"the relay", door.address, door.port};
    // The sample comes from a host of its own, for which the relay's door is somebody else's.
    auto home = std::make_shared<Settings>(*services.settings.get());
    home->config.listen.clear();
    delivery::TlsPolicy plain;
    plain.use = mail::TlsUse::never;
    delivery::Attempt attempt(services, std::move(home), relay, plain);
    auto failure = co_await attempt.open();
    if (!failure) {
      mail::Transaction transaction;
      auto message = std::make_shared<const queue::Message>(sample_message());
      transaction.reverse_path = message->envelope.reverse_path;
      transaction.recipients.emplace_back(mail::Mailbox("ok", "playground.example"));
      transaction.size = message->size();
      transaction.body = message->envelope.body;
      failure = co_await attempt.send(std::move(transaction), message);
    }
    if (failure) {
      fmt::print("the sample message was not taken: {}\n", failure->words());
    } else {
      fmt::print("the relay said: {}\n", attempt.outcome().front().reply.to_string());
      co_await attempt.quit();
    }
  }

  void arrived(const Arrival& arrival) {
    show(arrival);
    if (std::exchange(sample_seen_, true)) return;
    verified_ = !arrival.dkim.empty() && arrival.dkim.front().pass;
    if (stay_ == Stay::until_sample_arrived) {
      receiver_->stop();
      daemon_->stop();
    } else {
      show_what_to_try(base::to_string(daemon_->addresses().front()), config_path_);
    }
  }

  std::string listen_;
  Stay stay_;
  TemporaryFolder folder_;
  std::string config_path_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<Receiver> receiver_;
  bool sample_seen_ = false;
  bool verified_ = false;
};

}  // namespace
}  // namespace relay::playground

namespace relay::cli {

int playground(const Common&, const std::string& address, bool once) {
  using relay::playground::Playground;
  Playground world(address, once ? Playground::Stay::until_sample_arrived : Playground::Stay::until_stopped);
  const auto verified = world.run();
  if (!verified) {
    complain(verified.error().words);
    return failed;
  }
  return *verified ? done : failed;
}

}  // namespace relay::cli
