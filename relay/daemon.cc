// Start, reload and stop.
#include "relay/daemon.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "queue/content_file.h"
#include "relay/memory.h"
#include "relay/version.h"

namespace relay {
namespace {

using base::Kind;
using base::Result;

constexpr std::chrono::seconds grace(30);        // CONTRACT: what is in flight is finished within it
constexpr std::chrono::seconds after_cancel(8);  // longer than any look-up or commit that is waited for
constexpr std::chrono::milliseconds looks(20);
constexpr std::chrono::seconds between_space_looks(1);
constexpr std::chrono::seconds between_returns_of_memory(20);

std::size_t worker_count(const conf::Config& config) {
  return config.threads != 0 ? static_cast<std::size_t>(config.threads) : std::max(1U, std::thread::hardware_concurrency());
}

Result<std::unique_ptr<dns::Resolver>> make_resolver_for(const conf::Config& config) {
  dns::ResolverOptions options;
  options.servers = config.dns.servers;
  options.timeout = config.dns.timeout;
  options.cache = static_cast<std::size_t>(config.dns.cache);
  return dns::make_resolver(options);
}

/// Each connection is a descriptor; the usual soft limit of 1024 is there for programs that use select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What a reload cannot change.
std::vector<std::string> needs_restart(const conf::Config& before, const conf::Config& after) {
  std::vector<std::string> keys;
  if (before.spool != after.spool) keys.emplace_back("spool");
  if (before.threads != after.threads) keys.emplace_back("threads");
  if (before.admin.socket != after.admin.socket) keys.emplace_back("admin.socket");
  if (before.admin.submit != after.admin.submit) keys.emplace_back("admin.submit");
  const bool same_doors = std::ranges::equal(before.listen, after.listen, [](const conf::Listen& a, const conf::Listen& b) {
    return a.address == b.address && a.tls == b.tls && a.require_tls == b.require_tls && a.proxy == b.proxy;
  });
  if (!same_doors) keys.emplace_back("listen");
  const bool same_dns =
      before.dns.servers == after.dns.servers && before.dns.timeout == after.dns.timeout && before.dns.cache == after.dns.cache;
  if (!same_dns) keys.emplace_back("dns");
  return keys;
}

json::array host_views(const intake::TrustedNames& names) {
  json::array views;
  for (const auto& [name, host] : names.hosts()) {
    json::object view;
    view["name"] = name;
    json::array addresses;
    for (const base::IpAddress& address : host.addresses()) addresses.emplace_back(address.to_string());
    view["addresses"] = std::move(addresses);
    view["looked_up"] = host.looked_up() ? json::value(base::iso_time(*host.looked_up())) : json::value();
    view["failure"] = host.failure() ? json::value(host.failure()->words) : json::value();
    view["failed"] = host.failure() ? json::value(base::iso_time(host.failure()->at)) : json::value();
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace

Daemon::Daemon(DaemonOptions options)
    : options_(std::move(options)),
      guard_(loop_.get_executor()),
      tasks_(loop_.get_executor(), [this](std::string_view words) { log_->error("fault").with("reason", words); }),
      signals_(loop_.get_executor()),
      started_(base::now()) {}

Result<std::unique_ptr<Daemon>> Daemon::make(const conf::Config& config, DaemonOptions options) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options)));
  if (auto opened = daemon->open(config); !opened) return std::unexpected(opened.error());
  return daemon;
}

Daemon::~Daemon() {
  if (log_) log_->gather(nullptr);
  if (workers_) workers_->join();
  store_.reset();
  options_.resolver.reset();
  if (log_) log_->flush();
}

Result<void> Daemon::open(const conf::Config& config) {
  auto log = Log::open(config.log);
  if (!log) return std::unexpected(log.error());
  log_ = std::move(*log);
  raise_descriptor_limit();
  if (auto made = base::make_directories(config.spool); !made) return made;
  auto settings = make_settings(config);
  if (!settings) return std::unexpected(settings.error());
  settings_ = std::make_unique<CurrentSettings>(*settings);
  workers_ = std::make_unique<asio::thread_pool>(worker_count(config));
  if (!options_.resolver) {
    auto resolver = make_resolver_for(config);
    if (!resolver) return std::unexpected(resolver.error());
    options_.resolver = std::move(*resolver);
  }
  if (auto opened = open_store(config); !opened) return opened;
  const auto alert = [this](Alert letter) { tasks_.spawn(dispatcher_->alert(std::move(letter))); };
  keys_ = std::make_unique<KeyWatch>(*services_, alert);
  if (auto read = keys_->open(); !read) return read;
  recipients_ = std::make_unique<intake::Recipients>(*services_, options_.limits);
  names_ = std::make_unique<intake::TrustedNames>(*services_, options_.limits);
  const auto accepted = [this](queue::Message message) { dispatcher_->add(std::move(message)); };
  intake::IntakeContext context{*services_,   *ids_,   budget_,  duplicates_, sender_rates_,
                                *recipients_, *names_, accepted, alert,       options_.limits};
  submission_ = std::make_unique<intake::Submission>(context);
  listener_ = std::make_unique<intake::Listener>(std::move(context));
  if (auto opened = listener_->open(config); !opened) return opened;
  if (auto opened = submission_->open(config.admin.submit); !opened) return opened;
  return open_admin(config);
}

Result<void> Daemon::open_admin(const conf::Config& config) {
  auto listing = queue::open_reader(config.spool);
  auto quick = queue::open_reader(config.spool);
  if (!listing) return std::unexpected(listing.error());
  if (!quick) return std::unexpected(quick.error());
  admin::Api::Readers readers = {std::move(*listing), std::move(*quick)};
  api_ = std::make_unique<admin::Api>(*services_, *dispatcher_, *actions_, std::move(readers), [this] { return status(); });
  admin_ =
      std::make_unique<admin::Server>(*services_, [this](admin::Request request) { return api_->answer(std::move(request)); });
  return admin_->open(config.admin.socket);
}

Result<void> Daemon::open_store(const conf::Config& config) {
  queue::StoreOptions options;
  options.spool = config.spool;
  options.medium = config.spool_unsafe ? queue::Medium::any : queue::Medium::safe_only;
  options.health_changed = [this](queue::Health health, std::string_view words) {
    asio::post(loop_, [this, health, text = std::string(words)] { health_changed(health, text); });
  };
  options.migrating = [this](std::string_view words) { log_->info("store").with("state", "migrating").with("reason", words); };
  auto store = queue::open_store(options, [this](queue::Completions batch) {
    asio::post(loop_, [batch = std::move(batch)]() mutable {
      for (auto& complete : batch) complete();
    });
  });
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  auto for_delivery = queue::open_reader(config.spool);
  auto for_sweeps = queue::open_reader(config.spool);
  auto for_actions = queue::open_reader(config.spool);
  if (!for_sweeps) return std::unexpected(for_sweeps.error());
  if (!for_actions) return std::unexpected(for_actions.error());
  if (!for_delivery) return std::unexpected(for_delivery.error());
  auto newest = (*for_delivery)->newest_id();
  if (!newest) return std::unexpected(newest.error());
  newest_ = *newest;
  if (auto loaded = duplicates_.load(**for_delivery, base::now() - config.accept.duplicates); !loaded) return loaded;
  ids_ = std::make_unique<queue::QueueIdMaker>(newest_);
  services_ = std::make_unique<Services>(Services{loop_.get_executor(), *workers_, tasks_, *settings_, *log_, *store_,
                                                  queue::real_disk(), *options_.resolver, statistics_, host_memory_});
  notices_ = std::make_unique<NoticeMaker>(*services_, *ids_, budget_);
  dispatcher_ = std::make_unique<delivery::Dispatcher>(*services_, *notices_, std::move(*for_delivery));
  sweeps_ = std::make_unique<delivery::Sweeps>(*services_, *dispatcher_, std::move(*for_sweeps), options_.sweeps);
  actions_ = std::make_unique<delivery::Actions>(*services_, *dispatcher_, *notices_, std::move(*for_actions));
  return {};
}

void Daemon::run() {
  log_->gather([this] { asio::post(loop_, [this] { log_->flush(); }); });
  start();
  loop_.run();
  log_->gather(nullptr);
  log_->flush();
  if (tasks_.size() == 0) return;
  // A coroutine that could not be ended holds references into this object: what is durable is on the disk, the rest goes with the
  // process.
  log_->error("stopped").with("unfinished", tasks_.size());
  workers_->join();
  store_.reset();
  std::_Exit(EXIT_SUCCESS);
}

void Daemon::start() {
  tasks_.spawn(handle_signals());
  tasks_.spawn(watch_space());
  tasks_.spawn(return_memory());
  tasks_.spawn(watch_certificate());
  tasks_.spawn(keys_->run());
  dispatcher_->start(newest_);
  sweeps_->start();
  actions_->start();
  names_->start();
  listener_->run();
  submission_->run();
  admin_->run();
  for (const base::Endpoint& address : listener_->addresses()) log_->info("listening").with("address", base::to_string(address));
  log_->info("started").with("version", version).with("hostname", settings_->get()->config.hostname).with("pid", ::getpid());
  if (options_.ready) asio::post(loop_, options_.ready);
}

Task<void> Daemon::handle_signals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    boost::system::error_code ignored;
    signals_.add(number, ignored);
  }
  std::signal(SIGPIPE, SIG_IGN);
  for (;;) {
    auto [error, number] = co_await signals_.async_wait(as_result);
    if (error) co_return;
    if (number == SIGHUP) {
      reload();
      continue;
    }
    log_->info("stopping").with("signal", number);
    stop();
  }
}

void Daemon::stop() {
  if (std::exchange(stopping_, true)) return;
  tasks_.spawn(wind_down());
}

Task<void> Daemon::wind_down() {
  listener_->stop();
  submission_->stop();
  sweeps_->stop();
  actions_->stop();
  dispatcher_->stop();
  const auto until = Clock::now() + grace;
  Timer pause(loop_.get_executor());
  while (Clock::now() < until && (open_sessions() > 0 || !dispatcher_->idle())) {
    pause.expires_after(looks);
    co_await pause.async_wait(as_result);
  }
  log_->info("stopped").with("sessions", open_sessions());
  admin_->stop();
  asio::post(loop_, [this] {
    // After this coroutine's own end: whatever still waits is cut off.
    tasks_.when_empty([this] { loop_.stop(); });
    tasks_.cancel_all();
    auto last = std::make_shared<Timer>(loop_.get_executor(), after_cancel);
    last->async_wait([this, last](const boost::system::error_code&) { loop_.stop(); });
  });
}

/// What a rush of deliveries needed is not kept for ever.
Task<void> Daemon::return_memory() {
  Timer pause(loop_.get_executor());
  auto workers = workers_->get_executor();
  for (;;) {
    pause.expires_after(between_returns_of_memory);
    co_await pause.async_wait(as_result);
    asio::post(workers, return_freed_memory);
  }
}

Task<void> Daemon::watch_space() {
  Timer pause(loop_.get_executor());
  for (;;) {
    const auto space = base::free_space(settings_->get()->config.spool);
    if (space) services_->free_space = *space;
    pause.expires_after(between_space_looks);
    co_await pause.async_wait(as_result);
  }
}

/// A renewed certificate is taken by itself; a pair that does not fit (half of it written yet) leaves the old one in force.
Task<void> Daemon::watch_certificate() {
  Timer pause(loop_.get_executor());
  std::string failed;
  for (;;) {
    pause.expires_after(options_.certificate_looks);
    co_await pause.async_wait(as_result);
    const Settings& current = *settings_->get();
    const std::string stamp = certificate_stamp(current.config);
    if (stamp == current.certificate_stamp || stamp == failed) continue;
    auto renewed = with_new_certificate(current);
    if (renewed) {
      log_->info("certificate").with("path", current.config.tls.certificate).with("state", "renewed");
      settings_->set(*renewed);
    } else {
      failed = stamp;
      log_->error("certificate").with("state", "the old one stays").with("reason", renewed.error().words);
    }
  }
}

void Daemon::reload() {
  if (auto reopened = log_->reopen(settings_->get()->config.log); !reopened)
    log_->error("reload-failed").with("reason", reopened.error().words);
  if (options_.config_path.empty()) return;
  auto config = conf::read_config(options_.config_path);
  if (!config) {
    log_->error("reload-failed").with("reason", config.error().words);
    return;
  }
  for (const std::string& key : needs_restart(settings_->get()->config, *config)) {
    log_->warning("reload").with("key", key).with("reason", "takes effect at the next start");
  }
  auto settings = make_settings(*config, SecretUse::prepare, settings_->get()->tickets);
  if (!settings) {
    log_->error("reload-failed").with("reason", settings.error().words);
    return;
  }
  if (auto reopened = log_->reopen(config->log); !reopened) log_->error("reload-failed").with("reason", reopened.error().words);
  settings_->set(*settings);
  keys_->apply();
  names_->reload();
  dispatcher_->configure(*config);
  log_->info("reloaded").with("config", options_.config_path);
}

void Daemon::health_changed(queue::Health health, const std::string& words) {
  const std::string_view state = queue::to_string(health);
  if (health == queue::Health::open) {
    log_->warning("store").with("state", state).with("reason", words);
  } else {
    log_->error("store").with("state", state).with("reason", words);
  }
  dispatcher_->kick();
}

Task<json::object> Daemon::status() {
  auto start = [this](queue::Store::DoneCounts done) { store_->counts(std::move(done)); };
  const auto counts = co_await await_on_loop<Result<queue::Counts>>(start);
  const base::Time now = base::now();
  json::object view;
  view["version"] = version;
  view["hostname"] = settings_->get()->config.hostname;
  view["pid"] = ::getpid();
  view["started"] = base::iso_time(started_);
  view["uptime_seconds"] = (now - started_).count() / 1000;
  json::array listening;
  for (const base::Endpoint& address : listener_->addresses()) listening.emplace_back(base::to_string(address));
  view["listening"] = std::move(listening);
  view["host_names"] = host_views(*names_);
  json::object queue;
  queue["messages"] = counts ? counts->messages : 0;
  queue["recipients"] = counts ? counts->recipients : 0;
  queue["held"] = counts ? counts->held : 0;
  queue["quarantined"] = counts ? counts->quarantined : 0;
  view["queue"] = std::move(queue);
  view["store"] = queue::to_string(store_->health());
  view["free_space"] = services_->free_space;
  json::object since_start;
  since_start["accepted"] = statistics_.accepted;
  since_start["refused"] = statistics_.refused;
  since_start["delivered"] = statistics_.delivered;
  since_start["deferred"] = statistics_.deferred;
  since_start["bounced"] = statistics_.bounced;
  since_start["connections_in"] = statistics_.connections_in_all;
  since_start["connections_out"] = statistics_.connections_out_all;
  view["since_start"] = std::move(since_start);
  view["connections_in"] = statistics_.connections_in;
  view["connections_out"] = statistics_.connections_out;
  view["stuck"] = dispatcher_->stuck();
  view["dkim"] = keys_->view();
  co_return view;
}

}  // namespace relay
