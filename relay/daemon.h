// The composition root: everything the relay is made of, in the order in which it is made, and its life from start to stop.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dns/resolver.h"
#include "relay/admin/api.h"
#include "relay/delivery/actions.h"
#include "relay/delivery/dispatcher.h"
#include "relay/delivery/sweeps.h"
#include "relay/intake/listener.h"
#include "relay/intake/submission.h"
#include "relay/intake/trusted_names.h"
#include "relay/key_watch.h"
#include "relay/notices.h"
#include "relay/services.h"

namespace relay {

struct DaemonOptions {
  std::string config_path;                  ///< read again at SIGHUP; empty: no reload
  std::unique_ptr<dns::Resolver> resolver;  ///< null: c-ares as [dns] says
  std::function<void()> ready;              ///< called on the loop once the doors are open
  delivery::SweepOptions sweeps;
  intake::Limits limits;
  std::chrono::milliseconds certificate_looks = std::chrono::minutes(1);  ///< between looks at the files of [tls]
};

namespace json = boost::json;

class Daemon {
 public:
  /// Opens everything that can fail: log, keys, spool, resolver, listening sockets, admin socket.
  static base::Result<std::unique_ptr<Daemon>> make(const conf::Config& config, DaemonOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Until SIGTERM or SIGINT: then what is in flight is finished within 30 s and the rest stays queued.
  void run();
  /// The same as SIGTERM, from the loop.
  void stop();

  Services& services() { return *services_; }
  delivery::Dispatcher& dispatcher() { return *dispatcher_; }
  delivery::Actions& actions() { return *actions_; }
  std::vector<base::Endpoint> addresses() const { return listener_->addresses(); }

 private:
  explicit Daemon(DaemonOptions options);
  base::Result<void> open(const conf::Config& config);
  base::Result<void> open_store(const conf::Config& config);
  base::Result<void> open_admin(const conf::Config& config);
  std::size_t open_sessions() const { return listener_->sessions() + submission_->sessions(); }
  void start();
  Task<void> handle_signals();
  Task<void> watch_space();
  Task<void> return_memory();
  Task<void> watch_certificate();
  Task<void> wind_down();
  Task<json::object> status();
  void reload();
  void health_changed(queue::Health health, const std::string& words);

  using WorkGuard = asio::executor_work_guard<Executor>;

  DaemonOptions options_;
  asio::io_context loop_{1};
  WorkGuard guard_;
  std::unique_ptr<Log> log_;
  Tasks tasks_;
  Statistics statistics_;
  delivery::HostMemory host_memory_;
  std::unique_ptr<CurrentSettings> settings_;
  std::unique_ptr<asio::thread_pool> workers_;
  std::unique_ptr<queue::Store> store_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<queue::QueueIdMaker> ids_;
  intake::BufferBudget budget_;
  intake::Duplicates duplicates_;
  intake::SenderRates sender_rates_;
  std::unique_ptr<intake::Recipients> recipients_;
  std::unique_ptr<NoticeMaker> notices_;
  std::unique_ptr<delivery::Dispatcher> dispatcher_;
  std::unique_ptr<delivery::Sweeps> sweeps_;
  std::unique_ptr<delivery::Actions> actions_;
  std::unique_ptr<KeyWatch> keys_;
  std::unique_ptr<intake::TrustedNames> names_;
  std::unique_ptr<intake::Listener> listener_;
  std::unique_ptr<intake::Submission> submission_;
  std::unique_ptr<admin::Api> api_;
  std::unique_ptr<admin::Server> admin_;
  asio::basic_signal_set<Executor> signals_;
  queue::QueueId newest_;
  base::Time started_;
  bool stopping_ = false;
};

}  // namespace relay
