// Where the commands have their answers from: the running relay, or with the relay stopped the database itself.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "queue/store.h"
#include "relay/admin/client.h"
#include "relay/admin/reading.h"
#include "relay/cli/commands.h"

namespace relay::cli {

class Source {
 public:
  using Parameters = admin::Parameters;
  using Sink = std::function<void(std::string_view)>;

  /// Kind::closed when the relay does not run and there is no database either.
  static base::Result<Source> open(const Common& common);
  /// The relay alone: Kind::closed when it does not run, with what to do.
  static base::Result<admin::Client> open_relay(const Common& common);

  /// Calls `each` for every row of the listing that matches, and `page_done` now and then, until `limit` (0: all) or until a
  /// page_done() says that no more are wanted. The answer is how many there were.
  base::Result<std::uint64_t> each_row(const Parameters& filters, std::uint64_t limit,
                                       const std::function<void(const boost::json::object&)>& each,
                                       const std::function<bool()>& page_done);
  base::Result<boost::json::array> summary(const Parameters& parameters);
  base::Result<boost::json::array> pauses();
  base::Result<boost::json::object> message(queue::QueueId id);
  /// Prefix and content, piece by piece.
  base::Result<void> content(queue::QueueId id, const Sink& sink);

 private:
  base::Result<admin::Page> page(const Parameters& parameters);
  base::Result<boost::json::array> rows(const std::string& target);

  std::unique_ptr<admin::Client> client_;  ///< null when the relay is stopped
  std::unique_ptr<queue::Reader> reader_;  ///< only when it is
};

}  // namespace relay::cli
