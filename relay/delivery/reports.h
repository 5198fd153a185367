// Notices of what became of mail: to whom (queue/notice.h), with which words (mail/dsn.h), sealed for the store
// (relay/notices.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mail/dsn.h"
#include "queue/notice.h"
#include "relay/notices.h"
#include "relay/services.h"

namespace relay::delivery {

/// What became of one recipient, as somebody may want to know it.
class Concern {
 public:
  queue::DeliveryRecord record;
  queue::Event event = queue::Event::failed;
  queue::Refusal refusal = queue::Refusal::usual;
};

/// A notice ready for the store, and what it is about.
class Notice {
 public:
  queue::Message message;
  queue::QueueId of;
  std::string_view kind;  ///< failure, delay, success; for the log
};

/// On the loop alone.
class Reports {
 public:
  Reports(Services& services, NoticeMaker& maker) : services_(services), maker_(maker) {}
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;

  /// One report for each reader and kind. Where nobody may be told of a failure, or a report cannot be made, the log says so.
  Task<std::vector<Notice>> make(std::shared_ptr<const queue::Message> message, std::vector<Concern> concerns);
  /// Words to the postmaster.
  Task<base::Result<queue::Message>> letter(std::string subject, std::string english, std::string chinese);
  /// One line for a notice that is durable.
  void tell(const Notice& notice);
  /// Whether the sender of a message may be told of this.
  static queue::NoticeDecision decide(const queue::Message& message, const Concern& concern);

 private:
  using MessagePtr = std::shared_ptr<const queue::Message>;
  Task<void> report(MessagePtr message, std::vector<Concern> concerns, queue::NoticeTo to, std::vector<Notice>& notices);
  mail::Report report_on(const queue::Message& message, const std::vector<Concern>& concerns, queue::NoticeTo to) const;

  Services& services_;
  NoticeMaker& maker_;
};

}  // namespace relay::delivery
