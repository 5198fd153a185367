// What is thought of replies, by their number: receivers say the same to very many messages. Internal to the queue folder.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/sqlite_database.h"

namespace queue {

/// The table of replies. The views are valid until the next call.
class ReplyTable {
 public:
  using Take = std::function<void(std::int64_t number, std::string_view mx, std::string_view words)>;

  Result<void> prepare(Database& database);
  /// Nothing is taken when there is no such reply.
  Result<void> read(std::int64_t number, const Take& take);
  /// In the order of their numbers.
  Result<void> read_all(const Take& take);
  Result<std::int64_t> greatest();

 private:
  Statement one_;
  Statement all_;
  Statement greatest_;
};

/// Judges each reply once, as far as memory goes. One pass over recipients makes one of these.
template <class Value>
class ReplyMemory {
 public:
  using Judge = std::function<Value(std::string_view mx, std::string_view words)>;

  /// `none`: of no reply, and of one that is not there.
  ReplyMemory(ReplyTable& table, Value none, Judge judge)
      : table_(table), none_(none), judge_(std::move(judge)), places_(few_places) {}

  Result<Value> of(std::int64_t number) {
    if (number <= 0) return none_;
    if (place_of(number).number != number) {
      if (++read_alone_ == most_read_alone) {
        if (auto read = read_all(); !read) return std::unexpected(read.error());
      }
      if (auto read = read_one(number); !read) return std::unexpected(read.error());
    }
    return place_of(number).value;
  }

 private:
  struct Place {
    std::int64_t number = 0;
    Value value{};
  };
  /// Powers of two. With the larger one all replies of a queue of a million messages have a place.
  static constexpr std::size_t few_places = 1U << 12U;
  static constexpr std::size_t most_places = 1U << 20U;
  /// With more of them it is faster to read all in their order.
  static constexpr std::uint64_t most_read_alone = 1U << 13U;

  Place& place_of(std::int64_t number) { return places_[static_cast<std::size_t>(number) % places_.size()]; }

  Result<void> read_one(std::int64_t number) {
    place_of(number) = Place{number, none_};
    return table_.read(number, [this](std::int64_t its, auto mx, auto words) { place_of(its).value = judge_(mx, words); });
  }

  Result<void> read_all() {
    const auto greatest = table_.greatest();
    if (!greatest) return std::unexpected(greatest.error());
    while (places_.size() < most_places && std::cmp_less(places_.size(), *greatest)) places_.resize(places_.size() * 2);
    std::ranges::fill(places_, Place());
    return table_.read_all([this](std::int64_t its, auto mx, auto words) { place_of(its) = Place{its, judge_(mx, words)}; });
  }

  ReplyTable& table_;
  const Value none_;
  const Judge judge_;
  std::vector<Place> places_;  ///< by the last bits of the number
  std::uint64_t read_alone_ = 0;
};

}  // namespace queue
