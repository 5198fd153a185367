// Starting, asking and stopping the relay.
#include "tests/unit/relay/world.h"

#include <boost/json.hpp>
#include <future>
#include <stdexcept>

#include "relay/admin/client.h"
#include "relay/daemon.h"

namespace world {
namespace {

relay::admin::Client admin_of(const conf::Config& config) {
  auto client = relay::admin::Client::connect(config.admin.socket);
  if (!client) throw std::runtime_error(client.error().words);
  return std::move(*client);
}

json::value value_of(const base::Result<json::value>& answer) {
  if (!answer) throw std::runtime_error(answer.error().words);
  return *answer;
}

std::unique_ptr<dns::Resolver> resolver_of(const World& world) {
  auto resolver = std::make_unique<dns::StaticResolver>();
  if (world) world(*resolver);
  return resolver;
}

}  // namespace

World zones(std::vector<Zone> zones) {
  return [zones = std::move(zones)](dns::StaticResolver& resolver) {
    for (const Zone& zone : zones) {
      for (std::size_t i = 0; i < zone.addresses.size(); ++i) {
        const std::string host = "mx" + std::to_string(i + 1) + "." + zone.domain;
        const auto preference = static_cast<std::uint16_t>(10 * (i + 1));
        resolver.add(zone.domain, dns::RecordType::mx, dns::MxRecord{preference, host});
        resolver.add(host, dns::RecordType::a, base::IpAddress::parse(zone.addresses[i]).value());
      }
    }
  };
}

conf::Config config_in(const Folder& folder, std::uint16_t port) {
  conf::Config config = conf::defaults();
  config.hostname = "relay.example.com";
  config.postmaster = "admin@example.com";
  config.spool = folder / "spool";
  config.spool_unsafe = true;                  // the folder may lie in memory
  config.accept.duplicates = Milliseconds(0);  // tests send the same again
  config.threads = 2;
  config.log.to = folder / "log";
  config.log.level = conf::LogLevel::debug;
  config.listen.resize(1);
  config.listen[0].address = base::parse_endpoint("127.0.0.1:25").value();
  config.listen[0].address.port = 0;
  config.accept.min_free_space = {0};
  config.delivery.port = port;
  config.retry.delays = {Milliseconds(100)};
  config.admin.socket = folder / "admin.sock";
  config.admin.submit = folder / "submit.sock";
  return config;
}

void sign_with(conf::Config& config, const std::string& pem, const std::string& from, const std::string& domain,
               const std::string& selector) {
  const std::string path = config.spool + "-" + selector + ".pem";
  const auto written = base::write_file_durably(path, pem, 0600);
  if (!written) throw std::runtime_error(written.error().words);
  config.dkim.sign.push_back(conf::DkimSign{from, domain, selector, path, "", ""});
}

Relay::Relay(const conf::Config& config, const World& world, const std::string& config_path, Pace pace)
    : Relay(resolver_of(world), config, config_path, pace) {}

Relay::Relay(std::unique_ptr<dns::Resolver> resolver, const conf::Config& config, const std::string& config_path, Pace pace)
    : config_(config) {
  std::promise<void> ready;
  relay::DaemonOptions options;
  options.config_path = config_path;
  options.resolver = std::move(resolver);
  options.ready = [&ready] { ready.set_value(); };
  options.sweeps = {pace.sweeps, pace.stuck_after, pace.freed_after};
  options.limits = pace.limits;
  options.certificate_looks = pace.certificate_looks;
  auto daemon = relay::Daemon::make(config, std::move(options));
  if (!daemon) throw std::runtime_error(daemon.error().words);
  daemon_ = std::move(*daemon);
  for (const base::Endpoint& address : daemon_->addresses()) ports_.push_back(address.port);
  thread_ = std::thread([this] {
    daemon_->run();
    ended_ = true;
  });
  ready.get_future().wait();
}

Relay::~Relay() { stop(); }

void Relay::begin_stop() {
  boost::asio::post(daemon_->services().loop, [this] { daemon_->stop(); });
}

void Relay::stop() {
  if (!thread_.joinable()) return;
  begin_stop();
  thread_.join();
  daemon_.reset();
}

void Relay::on_loop(const std::function<void(relay::Daemon&)>& work) {
  std::promise<void> done;
  boost::asio::post(daemon_->services().loop, [&] {
    work(*daemon_);
    done.set_value();
  });
  done.get_future().wait();
}

json::value Relay::get(const std::string& target) const { return value_of(admin_of(config_).get("/v1" + target)); }

json::value Relay::post(const std::string& target, const json::value& body) const {
  return value_of(admin_of(config_).post("/v1" + target, body));
}

std::string Relay::error_of(const std::string& target) const {
  const auto answer = admin_of(config_).get("/v1" + target);
  return answer ? "none" : answer.error().words;
}

json::value Relay::remove(const std::string& target) const { return value_of(admin_of(config_).remove("/v1" + target)); }

std::string Relay::error_of_post(const std::string& target, const json::value& body) const {
  const auto answer = admin_of(config_).post("/v1" + target, body);
  return answer ? "none" : answer.error().words;
}

std::string Relay::content_of(const std::string& id) const {
  std::string content;
  const auto streamed =
      admin_of(config_).stream("/v1/queue/" + id + "/content", [&](std::string_view octets) { content += octets; });
  return streamed ? content : "error: " + streamed.error().words;
}

json::array Relay::rows(const std::string& query) const { return get("/queue" + query).at("rows").as_array(); }

std::string Relay::states(const std::string& id) const {
  const auto answer = admin_of(config_).get("/v1/queue/" + id);
  if (!answer) return {};
  std::string states;
  for (const json::value& row : answer->at("recipients").as_array()) {
    states += (states.empty() ? "" : " ") + std::string(row.at("state").as_string());
  }
  return states;
}

bool Relay::empties() const {
  return eventually([&] { return rows().empty(); });
}

std::uint64_t Relay::count(const std::string& name) const {
  return get("/status").at("since_start").at(name).to_number<std::uint64_t>();
}

std::string Relay::log() const { return base::read_file(config_.log.to).value_or(""); }

bool Relay::logs(std::string_view text) const {
  return eventually([&] { return count_in_log(text) > 0; });
}

std::size_t Relay::count_in_log(std::string_view text) const {
  const std::string all = log();
  std::size_t count = 0;
  for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
  return count;
}

std::string why_not_started(const conf::Config& config) {
  relay::DaemonOptions options;
  options.resolver = std::make_unique<dns::StaticResolver>();
  const auto daemon = relay::Daemon::make(config, std::move(options));
  return daemon ? std::string() : daemon.error().words;
}

}  // namespace world
