// explain ID: why a message waits, what its receivers said, what would make it go. Asks the running relay.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Result;

constexpr std::size_t indent = 13;

std::string line(std::string_view name, std::string_view value, std::size_t width) {
  return wrapped(fmt::format("{:<{}}{}", name, indent, safe_text(value)), width, indent);
}

/// "since 2026-12-01T12:00:00Z, 3 attempts, next in 5m".
std::string state_text(const json::object& message, const json::object& recipient) {
  std::string text = fmt::format("{} since {}, {}", text_of(recipient, "state"), text_of(message, "received"),
                                 count_text(recipient, "attempts", "attempt"));
  if (!recipient.at("next_attempt").is_null()) text += fmt::format("; next at {}", text_of(recipient, "next_attempt"));
  return text;
}

std::string recipient_text(const json::object& message, const json::object& recipient, std::size_t width) {
  const char* language = reads_chinese() ? "chinese" : "english";
  std::string text = line("recipient", fmt::format("<{}>", text_of(recipient, "recipient")), width);
  text += line("state", state_text(message, recipient), width);
  if (!text_of(recipient, "mx").empty()) text += line("asked last", text_of(recipient, "mx"), width);
  if (!text_of(recipient, "last_reply").empty()) text += line("it said", text_of(recipient, "last_reply"), width);
  for (const json::value& sentence : recipient.at("explanation").as_array())
    text += line("", text_of(sentence.as_object(), language), width);
  const json::array& reasons = recipient.at("reasons").as_array();
  for (const json::value& reason : reasons) text += line("in the way", text_of(reason.as_object(), language), width);
  const std::string state = text_of(recipient, "state");
  if (reasons.empty() && state == "deferred") {
    text += line("in the way", "Nothing but its time: mailferry queue retry with its id tries it now.", width);
  }
  if (state == "held") {
    text += line("in the way", "It is held: mailferry queue release with its id lets it go.", width);
  }
  return text;
}

}  // namespace

int explain_message(const Common& common, queue::QueueId id) {
  auto client = Source::open_relay(common);
  const auto answer = client ? client->get(fmt::format("/v1/queue/{}/reasons", id.to_string()))
                             : Result<json::value>(std::unexpected(client.error()));
  if (!answer) {
    complain(answer.error().words);
    return failed;
  }
  if (common.json) {
    fmt::print("{}\n", json::serialize(*answer));
    return done;
  }
  const json::object& message = answer->as_object();
  Screen screen;
  std::string text =
      line("message", fmt::format("{} from <{}>", text_of(message, "id"), text_of(message, "sender")), screen.width());
  for (const json::value& recipient : message.at("recipients").as_array()) {
    text += '\n';
    text += recipient_text(message, recipient.as_object(), screen.width());
  }
  screen.print(text);
  return done;
}

}  // namespace relay::cli
