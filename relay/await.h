// From callbacks to co_await: the task type, bridges to the store, the resolver and the workers, and the deadline of a
// conversation.
//
// House rule for GCC 12 (docs/architecture.md): inside the parentheses of an expression with co_await stand names only,
// no brace and no lambda; a linter holds it.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace relay {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
using UseTask = asio::use_awaitable_t<Executor>;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

/// Completion token: the coroutine gets (error_code, values...), nothing is thrown but cancellation.
inline constexpr asio::as_tuple_t<UseTask> as_result{UseTask{}};

/// Waits for an operation that calls back on the loop later (never within the call): the store's completions.
template <class T, class Start>
Task<T> await_on_loop(Start start) {
  auto initiate = [](auto handler, Start begin) {
    std::move_only_function<void(T)> done = [call = std::move(handler)](T value) mutable { std::move(call)(std::move(value)); };
    begin(std::move(done));
  };
  UseTask token;
  return asio::async_initiate<UseTask, void(T)>(std::move(initiate), token, std::move(start));
}

/// Waits for an operation that may call back from any thread and at any time, also at once: the resolver.
template <class T, class Start>
Task<T> await_from_anywhere(Executor loop, Start start) {
  auto begin = [loop, inner = std::move(start)](std::move_only_function<void(T)> done) mutable {
    inner([loop, done = std::move(done)](T value) mutable {
      asio::post(loop, [done = std::move(done), value = std::move(value)]() mutable { done(std::move(value)); });
    });
  };
  return await_on_loop<T>(std::move(begin));
}

/// Runs `work` on an executor of the workers and comes back to the loop with what it returned. `work` captures values, or
/// references to what the waiting coroutine holds, never the last owner of something.
template <class Workers, class Work>
auto on(Workers workers, Executor loop, Work work) -> Task<std::invoke_result_t<Work&>> {
  using T = std::invoke_result_t<Work&>;
  auto begin = [workers, loop, work = std::move(work)](std::move_only_function<void(T)> done) mutable {
    asio::post(workers, [loop, work = std::move(work), done = std::move(done)]() mutable {
      T value = work();
      asio::post(loop, [done = std::move(done), value = std::move(value)]() mutable { done(std::move(value)); });
    });
  };
  return await_on_loop<T>(std::move(begin));
}

/// The one deadline of a conversation: `co_await (converse() || deadline.expired())`. While it is suspended it cuts nothing.
class Deadline {
 public:
  explicit Deadline(Executor executor) : timer_(executor) { timer_.expires_at(Clock::time_point::max()); }

  void after(std::chrono::milliseconds duration) {
    at_ = Clock::now() + duration;
    if (at_ < timer_.expiry()) timer_.cancel();  // moved nearer: wake the sleeper
  }
  /// Until the next after(): durable mail is always answered.
  void suspend() { at_ = Clock::time_point::max(); }

  Task<void> expired() {
    while (Clock::now() < at_) {
      timer_.expires_at(at_);
      co_await timer_.async_wait(as_result);  // throws when the conversation has won: that is its end
    }
  }

 private:
  Timer timer_;
  Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace relay
