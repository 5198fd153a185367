// Where the queue commands have their answers from: the running relay, or with the relay stopped the database itself.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "queue/store.h"
#include "relay/admin/client.h"
#include "relay/cli/commands.h"

namespace relay::cli {

class Source {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  /// Kind::closed when the relay does not run and there is no database either.
  static base::Result<Source> open(const Common& common);

  /// Null when the relay is stopped.
  admin::Client* client() { return client_.get(); }
  /// Only when it is.
  queue::Reader& reader() { return *reader_; }
  const std::string& why_offline() const { return why_offline_; }

  /// Rows of `queue list` behind the cursor, which moves on; it is empty after the last page.
  base::Result<boost::json::array> page(const Parameters& parameters, std::string& cursor);

 private:
  base::Result<boost::json::array> page_from_relay(const Parameters& parameters, std::string& cursor);
  base::Result<boost::json::array> page_from_database(Parameters parameters, std::string& cursor);

  std::unique_ptr<admin::Client> client_;
  std::unique_ptr<queue::Reader> reader_;
  std::string why_offline_;
};

/// With the relay stopped nothing is being delivered.
bool nothing_active(queue::QueueId id, std::uint32_t index);

/// A member as people read it: strings bare, null as nothing, numbers in digits.
std::string text_of(const boost::json::object& row, std::string_view key);

}  // namespace relay::cli
