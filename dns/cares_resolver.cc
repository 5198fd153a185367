// c-ares on a thread of its own: questions come in through a list and an eventfd, answers leave by callbacks.
//
// c-ares does the sockets, the tries, the change of servers and the fall-back to TCP. Ours are the question's octets (AD and
// EDNS), the reading of the answer, the cache, the deadline of a whole question, and that equal questions are asked once.
#define CARES_NO_DEPRECATED  // since 1.28 half of what 1.18 has is called deprecated
#include <ares.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "base/file.h"
#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/resolver.h"

namespace dns {
namespace {

using base::Kind;
using Clock = std::chrono::steady_clock;

constexpr int udp_size = 1232;  // fits any path without fragments
constexpr int tries = 3;        // each waits twice as long as the one before
constexpr base::Duration shortest_try{250};
constexpr std::size_t most_questions = 10000;  // waiting at once
constexpr std::size_t system_servers = 2;      // as an estimate, to share the time among the tries

base::Error temporary(const std::string& words) { return {Kind::temporary, "DNS: " + words}; }
base::Error stopping() { return {Kind::cancelled, "DNS: the resolver is stopping"}; }

/// So long for the first try that all tries on all servers fit the whole time.
int first_try(const ResolverOptions& options) {
  const std::size_t servers = options.servers.empty() ? system_servers : options.servers.size();
  const auto share = options.timeout / static_cast<base::Duration::rep>(servers * ((1U << tries) - 1));
  return static_cast<int>(std::max(share, shortest_try).count());
}

class CaresResolver final : public Resolver {
 public:
  explicit CaresResolver(const ResolverOptions& options) : options_(options), cache_(options.cache) {}
  ~CaresResolver() override;
  CaresResolver(const CaresResolver&) = delete;
  CaresResolver& operator=(const CaresResolver&) = delete;

  Result<void> start();
  void query(std::string name, RecordType type, Callback done) override {
    take(std::move(name), type, std::move(done), Use::cache);
  }
  void query_afresh(std::string name, RecordType type, Callback done) override {
    take(std::move(name), type, std::move(done), Use::servers);
  }

 private:
  enum class Use : std::uint8_t { cache, servers };
  enum class Edns : std::uint8_t { with, without };
  /// A question that c-ares works on.
  struct Asked {
    CaresResolver* resolver = nullptr;
    Question question;
    std::vector<Callback> callers;  ///< none any more when the deadline has passed
    Clock::time_point deadline;
    Edns edns = Edns::with;
    std::list<Asked>::iterator self;
  };
  struct Waiting {
    Question question;
    Callback done;
  };

  static void on_socket(void* self, ares_socket_t socket, int readable, int writable);
  static void on_answer(void* asked, int status, int timeouts, unsigned char* octets, int size);

  void take(std::string name, RecordType type, Callback done, Use use);
  void run();
  void wait();
  void take_questions();
  void ask(Waiting waiting);
  void send(Asked& asked);
  void answered(Asked& asked, int status, std::string_view message);
  void complete(Asked& asked, const Result<Answer>& answer);
  void give_up_overdue();
  int poll_time() const;
  void wake() const;

  const ResolverOptions options_;
  base::Fd wake_;
  std::thread thread_;

  std::mutex mutex_;  // guards what follows
  Cache cache_;
  std::vector<Waiting> inbox_;
  std::size_t unanswered_ = 0;
  bool stopping_ = false;

  // Only the thread touches what follows.
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, short> sockets_;  // poll events
  std::list<Asked> asked_;                  // by deadline
  std::list<Asked> late_;                   // c-ares still works on them, nobody waits
  std::map<Question, Asked*> index_;        // of asked_
  std::random_device random_;
};

CaresResolver::~CaresResolver() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
  }
  if (channel_ != nullptr) ares_destroy(channel_);
  ares_library_cleanup();
}

Result<void> CaresResolver::start() {
  if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
    return std::unexpected(temporary(ares_strerror(status)));
  }
  ares_options settings{};
  settings.flags = ARES_FLAG_EDNS;
  settings.ednspsz = udp_size;
  settings.timeout = first_try(options_);
  settings.tries = tries;
  settings.sock_state_cb = on_socket;
  settings.sock_state_cb_data = this;
  int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
  settings.qcache_max_ttl = 0;  // one cache is enough
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  if (const int status = ares_init_options(&channel_, &settings, mask); status != ARES_SUCCESS) {
    channel_ = nullptr;
    return std::unexpected(temporary(ares_strerror(status)));
  }
  if (!options_.servers.empty()) {
    std::string list;
    for (const auto& server : options_.servers) list += (list.empty() ? "" : ",") + base::to_string(server);
    if (const int status = ares_set_servers_ports_csv(channel_, list.c_str()); status != ARES_SUCCESS) {
      return base::fail(Kind::invalid, "DNS servers " + list + ": " + ares_strerror(status));
    }
  }
  wake_ = base::Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_) return std::unexpected(base::system_error(Kind::temporary, "eventfd", errno));
  thread_ = std::thread([this] { run(); });
  return {};
}

void CaresResolver::take(std::string name, RecordType type, Callback done, Use use) {
  auto normal = normal_name(name);
  if (!normal) {
    done(std::unexpected(std::move(normal.error())));
    return;
  }
  Waiting waiting{{std::move(*normal), type}, std::move(done)};
  std::optional<Answer> known;
  {
    const std::lock_guard lock(mutex_);
    if (use == Use::cache) known = cache_.find(waiting.question, Clock::now());
    if (!known && unanswered_ < most_questions) {
      ++unanswered_;
      inbox_.push_back(std::move(waiting));
      if (inbox_.size() == 1) wake();
      return;
    }
  }
  if (known) {
    waiting.done(std::move(*known));
  } else {
    waiting.done(std::unexpected(temporary("too many questions at once")));
  }
}

void CaresResolver::run() {
  for (;;) {
    take_questions();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    wait();
    give_up_overdue();
  }
  // c-ares calls back for each question that it still has.
  ares_destroy(std::exchange(channel_, nullptr));
  std::vector<Waiting> rest;
  {
    const std::lock_guard lock(mutex_);
    rest.swap(inbox_);
  }
  for (auto& waiting : rest) waiting.done(std::unexpected(stopping()));
}

void CaresResolver::take_questions() {
  std::vector<Waiting> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(inbox_);
  }
  for (auto& waiting : taken) ask(std::move(waiting));
}

/// Sleeps until a socket, a question or a deadline, and lets c-ares work.
void CaresResolver::wait() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  for (const auto& [socket, events] : sockets_) polled.push_back({socket, events, 0});
  if (poll(polled.data(), polled.size(), poll_time()) < 0) {
    for (auto& entry : polled) entry.revents = 0;
  }
  if (polled.front().revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof count);
  }
  for (std::size_t i = 1; i < polled.size(); ++i) {
    const auto& entry = polled[i];
    const auto ready = [&](int events) { return (entry.revents & events) != 0 ? entry.fd : ARES_SOCKET_BAD; };
    if (entry.revents != 0) ares_process_fd(channel_, ready(POLLIN | POLLERR | POLLHUP), ready(POLLOUT));
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // time-outs
}

/// Milliseconds until c-ares or a deadline wants the thread; -1: neither.
int CaresResolver::poll_time() const {
  int time = -1;
  timeval buffer{};
  if (const timeval* next = ares_timeout(channel_, nullptr, &buffer); next != nullptr) {
    time = static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000 + 1);
  }
  if (asked_.empty()) return time;
  const auto left = std::chrono::ceil<base::Duration>(asked_.front().deadline - Clock::now()).count();
  const int until_deadline = static_cast<int>(std::max<base::Duration::rep>(left, 0));
  return time < 0 ? until_deadline : std::min(time, until_deadline);
}

void CaresResolver::ask(Waiting waiting) {
  if (const auto same = index_.find(waiting.question); same != index_.end()) {
    same->second->callers.push_back(std::move(waiting.done));
    return;
  }
  Asked& asked = asked_.emplace_back();
  asked.resolver = this;
  asked.question = std::move(waiting.question);
  asked.callers.push_back(std::move(waiting.done));
  asked.deadline = Clock::now() + options_.timeout;
  asked.self = std::prev(asked_.end());
  index_[asked.question] = &asked;
  send(asked);
}

void CaresResolver::send(Asked& asked) {
  unsigned char* octets = nullptr;
  int size = 0;
  // 1.18 takes the number from here, and it must not be guessable; later ones make their own.
  const auto number = static_cast<unsigned short>(random_());
  const int status = ares_create_query(asked.question.first.c_str(), 1, std::to_underlying(asked.question.second), number, 1,
                                       &octets, &size, asked.edns == Edns::with ? udp_size : 0);
  if (status != ARES_SUCCESS) {
    answered(asked, status, {});
    return;
  }
  octets[3] |= 0x20U;  // AD in a question: "tell me whether it is authentic" (RFC 6840 5.7)
  ares_send(channel_, octets, size, on_answer, &asked);
  ares_free_string(octets);
}

void CaresResolver::on_socket(void* self, ares_socket_t socket, int readable, int writable) {
  auto& sockets = static_cast<CaresResolver*>(self)->sockets_;
  const int events = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
  if (events == 0) {
    sockets.erase(socket);
  } else {
    sockets[socket] = static_cast<short>(events);
  }
}

void CaresResolver::on_answer(void* asked, int status, int /*timeouts*/, unsigned char* octets, int size) {
  auto& question = *static_cast<Asked*>(asked);
  std::string message;
  if (octets != nullptr && size > 0) message.assign(octets, octets + size);
  question.resolver->answered(question, status, message);
}

void CaresResolver::answered(Asked& asked, int status, std::string_view message) {
  if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
    complete(asked, std::unexpected(stopping()));
  } else if (status == ARES_ENOTFOUND) {  // not asked at all: .onion (RFC 7686)
    Answer none;
    none.status = Status::no_name;
    complete(asked, none);
  } else if (status != ARES_SUCCESS) {
    complete(asked, std::unexpected(temporary(ares_strerror(status))));
  } else if (asked.edns == Edns::with && is_format_error(message)) {
    asked.edns = Edns::without;
    send(asked);
  } else {
    complete(asked, parse_answer(message, asked.question.first, asked.question.second));
  }
}

/// The end of a question for c-ares; `asked` is gone afterwards.
void CaresResolver::complete(Asked& asked, const Result<Answer>& answer) {
  std::list<Asked> done;
  done.splice(done.end(), asked.callers.empty() ? late_ : asked_, asked.self);
  if (!asked.callers.empty()) index_.erase(asked.question);
  {
    const std::lock_guard lock(mutex_);
    if (answer) cache_.keep(asked.question, *answer, Clock::now());
    unanswered_ -= asked.callers.size();
  }
  for (auto& caller : asked.callers) caller(answer);
}

void CaresResolver::give_up_overdue() {
  const auto now = Clock::now();
  while (!asked_.empty() && asked_.front().deadline <= now) {
    Asked& asked = asked_.front();
    late_.splice(late_.end(), asked_, asked.self);
    index_.erase(asked.question);
    auto callers = std::exchange(asked.callers, {});
    {
      const std::lock_guard lock(mutex_);
      unanswered_ -= callers.size();
    }
    for (auto& caller : callers) caller(std::unexpected(temporary("no answer in time")));
  }
}

void CaresResolver::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace

Result<std::unique_ptr<Resolver>> make_resolver(const ResolverOptions& options) {
  auto resolver = std::make_unique<CaresResolver>(options);
  if (auto started = resolver->start(); !started) return std::unexpected(std::move(started.error()));
  return resolver;
}

}  // namespace dns
