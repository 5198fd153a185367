// queue show, queue cat: one message.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <functional>
#include <iostream>

#include "base/text.h"
#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Result;

/// Of content that is shown on a terminal; what is longer is broken.
constexpr std::size_t longest_line = std::size_t{64} << 10U;

/// "name        value", the value on as many lines as it needs.
std::string field(std::string_view name, std::string_view value, std::size_t width) {
  constexpr std::size_t indent = 12;
  return wrapped(fmt::format("{:<{}}{}", name, indent, safe_text(value)), width, indent);
}

std::string from_text(const json::object& message) {
  const json::object& client = message.at("client").as_object();
  const std::string tls = text_of(client, "tls");
  if (text_of(message, "origin") == "notice") return "ourselves: a notice";
  return fmt::format("{}[{}]{}{}", text_of(client, "helo"), text_of(client, "address"),
                     tls.empty() ? std::string() : fmt::format(" with {}", tls),
                     text_of(message, "origin") == "stranger" ? ", whom we do not relay for" : "");
}

std::string recipient_text(const json::object& row, std::size_t width) {
  constexpr std::size_t indent = 4;
  const std::string next = text_of(row, "next_attempt");
  std::string line = fmt::format("<{}>  {}, {}", safe_text(text_of(row, "recipient")), text_of(row, "state"),
                                 count_text(row, "attempts", "attempt"));
  if (!next.empty()) line += fmt::format(", next {} ({})", next, next_text(row));
  std::string text = wrapped(line, width, indent);
  const std::string reply = text_of(row, "last_reply");
  const std::string host = text_of(row, "mx");
  if (!reply.empty()) {
    const std::string words = host.empty() ? reply : fmt::format("{}: {}", host, reply);
    text += wrapped(fmt::format("{:<{}}{}", "", indent, safe_text(words)), width, indent);
  }
  std::vector<std::string> wishes;
  for (const json::value& wish : row.at("notify").as_array()) wishes.emplace_back(wish.as_string());
  if (!wishes.empty()) text += fmt::format("{:<{}}notify {}\n", "", indent, fmt::join(wishes, ", "));
  return text;
}

std::string message_text(const json::object& message, std::size_t width) {
  std::string text = field("id", text_of(message, "id"), width);
  text += field("message-id", text_of(message, "message_id"), width);
  text += field("received", text_of(message, "received"), width);
  text += field("from", from_text(message), width);
  text += field("expires", text_of(message, "expires"), width);
  text += field("size", count_text(message, "size", "octet"), width);
  text += field("sender", fmt::format("<{}>", text_of(message, "sender")), width);
  if (!text_of(message, "envid").empty()) text += field("envid", text_of(message, "envid"), width);
  if (!text_of(message, "tls_wish").empty()) text += field("tls wish", text_of(message, "tls_wish"), width);
  text += '\n';
  for (const json::value& row : message.at("recipients").as_array()) text += recipient_text(row.as_object(), width);
  return text;
}

/// A message line by line, without what a terminal would obey.
class SafeLines {
 public:
  explicit SafeLines(Screen& screen) : screen_(screen) {}

  void take(std::string_view octets) {
    for (const char c : octets) {
      if (c != '\n') line_ += c;
      if (c == '\n' || line_.size() >= longest_line) end_line();
    }
  }
  void end() {
    if (!line_.empty()) end_line();
  }

 private:
  void end_line() {
    if (line_.ends_with('\r')) line_.pop_back();
    std::vector<std::string> parts;
    for (const std::string_view part : base::split(line_, '\t')) parts.push_back(safe_text(part));
    screen_.print(fmt::format("{}\n", fmt::join(parts, "\t")));
    line_.clear();
  }

  Screen& screen_;
  std::string line_;
};

Result<void> cat_to_terminal(Source& source, queue::QueueId id) {
  Screen screen;
  SafeLines lines(screen);
  auto sent = source.content(id, [&](std::string_view octets) { lines.take(octets); });
  lines.end();
  return sent;
}

Result<void> cat_octets(Source& source, queue::QueueId id) {
  auto sent = source.content(
      id, [](std::string_view octets) { std::cout.write(octets.data(), static_cast<std::streamsize>(octets.size())); });
  std::cout.flush();
  return sent;
}

/// For a command about one message: its id, where the answer comes from, and what went wrong.
int for_message(const Common& common, const std::string& text,
                const std::function<Result<void>(Source&, queue::QueueId)>& answer) {
  const auto id = queue::QueueId::parse(text);
  if (!id) {
    complain(id.error().words);
    return wrong_usage;
  }
  auto source = Source::open(common);
  const auto answered = source ? answer(*source, *id) : Result<void>(std::unexpected(source.error()));
  if (answered) return done;
  complain(answered.error().words);
  return failed;
}

}  // namespace

int queue_show(const Common& common, const std::string& text) {
  return for_message(common, text, [&common](Source& source, queue::QueueId id) -> Result<void> {
    const auto message = source.message(id);
    if (!message) return std::unexpected(message.error());
    if (common.json) {
      fmt::print("{}\n", json::serialize(*message));
    } else {
      Screen screen;
      screen.print(message_text(*message, screen.width()));
    }
    return {};
  });
}

int queue_cat(const Common& common, const std::string& text) {
  return for_message(common, text, [](Source& source, queue::QueueId id) {
    return ::isatty(STDOUT_FILENO) == 1 ? cat_to_terminal(source, id) : cat_octets(source, id);
  });
}

}  // namespace relay::cli
