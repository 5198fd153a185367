// The coroutines that are running: spawned here, counted, cancelled together at the end, their exceptions logged.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>
#include <list>
#include <string_view>
#include <utility>

#include "relay/await.h"

namespace relay {

/// Lives longer than the loop's run(); used on the loop alone.
class Tasks {
 public:
  /// `broken` is told of a coroutine that ended by an exception (a fault of ours); the program lives on.
  Tasks(Executor executor, std::function<void(std::string_view)> broken) : executor_(executor), broken_(std::move(broken)) {}
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  void spawn(Task<void> task) {
    const auto place = signals_.emplace(signals_.end());
    auto ended = [this, place](const std::exception_ptr& exception) {
      signals_.erase(place);
      if (exception) report(exception);
      if (signals_.empty() && when_empty_) std::exchange(when_empty_, nullptr)();
    };
    asio::co_spawn(executor_, std::move(task), asio::bind_cancellation_slot(place->slot(), std::move(ended)));
  }

  /// Every coroutine's present or next wait ends with operation_aborted.
  void cancel_all() {
    for (auto place = signals_.begin(); place != signals_.end();) {
      auto& signal = *place++;  // its coroutine may end at once and take the signal with it
      signal.emit(asio::cancellation_type::terminal);
    }
  }

  std::size_t size() const { return signals_.size(); }

  /// Calls `done` once no coroutine is left; at once when none is.
  void when_empty(std::function<void()> done) {
    if (signals_.empty()) return done();
    when_empty_ = std::move(done);
  }

 private:
  void report(const std::exception_ptr& exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const boost::system::system_error& error) {
      if (error.code() != asio::error::operation_aborted) broken_(error.what());
    } catch (const std::exception& error) {
      broken_(error.what());
    }
  }

  Executor executor_;
  std::function<void(std::string_view)> broken_;
  std::list<asio::cancellation_signal> signals_;
  std::function<void()> when_empty_;
};

}  // namespace relay
