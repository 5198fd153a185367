// send: a file handed in at the submit socket.
#include <sysexits.h>

#include "relay/cli/commands.h"
#include "relay/cli/hand_in.h"

namespace relay::cli {

int send(const Common& common, const std::string& file, const std::string& from, const std::vector<std::string>& recipients) {
  auto input = read_input(file);
  if (!input) {
    complain(input.error().words);
    return input.error().kind == base::Kind::full ? EX_DATAERR : EX_NOINPUT;
  }
  Order order;
  order.input = std::move(*input);
  order.from = from;
  order.recipients = recipients;
  return hand_in(submit_path(common.config_path), order);
}

}  // namespace relay::cli
