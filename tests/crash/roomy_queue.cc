// Large messages that came and went.
#include "roomy_queue.h"

#include <filesystem>
#include <future>
#include <memory>
#include <utility>

#include "queue/content_file.h"
#include "queue/store.h"
#include "workload.h"

namespace crash {
namespace {

constexpr std::size_t mebibyte = 1U << 20U;
constexpr std::uint32_t first_number = 200;
constexpr std::uint32_t messages = 20;
/// So much stays in use when pages are to be freed one by one.
constexpr int remembered = 7;

class Filler {
 public:
  explicit Filler(queue::Store& store) : store_(store) {}

  void fill(Way way) {
    for (int i = 0; way == Way::freeing && i < remembered; ++i) {
      store_.remember({"filler", std::to_string(i), std::string(mebibyte, 'x')}, noting());
    }
    for (std::uint32_t number = first_number; number < first_number + messages; ++number) accept(number);
    deliver();
  }
  /// Completions come in order.
  bool wait() { return all_done_.get_future().get() && good_; }

 private:
  void accept(std::uint32_t number) {
    queue::Message message = make_message(number);
    message.envelope.recipients.resize(1);
    message.content = queue::Content::in_memory(std::string(mebibyte, 'x'));
    message.crc = queue::crc32(queue::crc32(0, message.prefix), std::string(mebibyte, 'x'));
    store_.accept(std::move(message), noting());
  }

  void deliver() {
    queue::Recording recording;
    for (std::uint32_t number = first_number; number < first_number + messages; ++number) {
      queue::DeliveryRecord record;
      record.message = make_message(number).id;
      record.state = queue::State::delivered;
      recording.records.push_back(std::move(record));
    }
    store_.record(std::move(recording), [this](const base::Result<void>& result) { all_done_.set_value(result.has_value()); });
  }

  queue::Store::Done noting() {
    return [this](const base::Result<void>& result) { good_ = good_ && result; };
  }

  queue::Store& store_;
  bool good_ = true;
  std::promise<bool> all_done_;
};

}  // namespace

std::uintmax_t size_given_back(Way way) { return way == Way::rewriting ? mebibyte : 12 * mebibyte; }

bool make_roomy_queue(const std::string& spool, Way way) {
  queue::StoreOptions options;
  options.spool = spool;
  options.medium = queue::Medium::any;
  auto store = queue::open_store(options, [](queue::Completions completions) {
    for (auto& completion : completions) completion();
  });
  if (!store) return false;
  Filler filler(**store);
  filler.fill(way);
  const bool filled = filler.wait();
  store->reset();
  // On a slow machine a second may have passed, and the store begun by itself.
  return filled && std::filesystem::file_size(spool + "/queue.db") > messages * mebibyte;
}

}  // namespace crash
