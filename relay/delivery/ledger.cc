// Outcomes: told and recorded.
#include "relay/delivery/ledger.h"

#include <fmt/format.h>

namespace relay::delivery {
namespace {

constexpr std::chrono::seconds until_asked_again(1);

std::string seconds_text(base::Duration duration) {
  return fmt::format("{:.1f}", static_cast<double>(duration.count()) / 1000.0);
}

}  // namespace

void Ledger::tell(const queue::DeliveryRecord& record, std::string_view recipient, base::Time received, const Peer& peer) {
  const std::string id = record.message.to_string();
  const std::string to = fmt::format("<{}>", recipient);
  switch (record.state) {
    case queue::State::delivered:
      ++services_.statistics.delivered;
      services_.log.info("delivered")
          .with("id", id)
          .with("to", to)
          .with("mx", peer.host)
          .with("ip", peer.address)
          .with("tls", peer.tls.empty() ? "none" : peer.tls)
          .with("reply", record.reply)
          .with("delay", seconds_text(record.when - received));
      break;
    case queue::State::failed:
      ++services_.statistics.bounced;
      services_.log.info("bounced").with("id", id).with("to", to).with("mx", peer.host).with("reply", record.reply);
      break;
    case queue::State::dropped: break;
    case queue::State::queued:
    case queue::State::held:
    case queue::State::deferred:
      ++services_.statistics.deferred;
      services_.log.info("deferred")
          .with("id", id)
          .with("to", to)
          .with("mx", peer.host)
          .with("reply", record.reply)
          .with("next", base::iso_time(record.next_attempt));
      break;
  }
}

void Ledger::write(queue::Recording recording, std::function<void()> done) {
  ++unwritten_;
  submit(std::make_shared<const queue::Recording>(std::move(recording)), std::move(done));
}

void Ledger::submit(std::shared_ptr<const queue::Recording> recording, std::function<void()> done) {
  services_.store.record(*recording, [this, recording, done = std::move(done)](base::Result<void> stored) mutable {
    if (stored) {
      --unwritten_;
      return done();
    }
    if (stored.error().kind == base::Kind::cancelled) return;  // the store has closed for good: the attempts may repeat
    if (stored.error().kind == base::Kind::invalid || stored.error().kind == base::Kind::refused) {
      services_.log.error("record-refused").with("reason", stored.error().words);  // a fault of ours
    }
    services_.tasks.spawn(submit_later(std::move(recording), std::move(done)));
  });
}

Task<void> Ledger::submit_later(std::shared_ptr<const queue::Recording> recording, std::function<void()> done) {
  Timer pause(services_.loop, until_asked_again);
  co_await pause.async_wait(as_result);
  submit(std::move(recording), std::move(done));
}

}  // namespace relay::delivery
