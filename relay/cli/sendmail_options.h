// The command line of sendmail, as the programs use it that send mail by it (Postfix's sendmail(1) is the measure).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace relay::cli {

/// -bm, -bs, -bp; nothing is to be done for -bi (newaliases) and -q: aliases need no rebuilding, the queue runs by itself.
enum class SendmailMode : std::uint8_t { take_message, speak_smtp, list_queue, nothing };

struct SendmailOptions {
  SendmailMode mode = SendmailMode::take_message;
  std::optional<std::string> from;    ///< -f, -r
  std::string full_name;              ///< -F
  std::string config_path;            ///< -C; empty: the usual one
  std::string notify;                 ///< -N, as NOTIFY= has it
  std::string ret;                    ///< -R: FULL or HDRS
  std::string envid;                  ///< -V
  bool recipients_in_header = false;  ///< -t
  bool dot_is_text = false;           ///< -i, -oi
  std::vector<std::string> recipients;
};

/// Options may be joined ("-ti"), stand anywhere before "--", and have their value joined ("-fbob") or behind them. Without
/// the program's name. The error is what was wrong.
std::expected<SendmailOptions, std::string> parse_sendmail(const std::vector<std::string>& arguments);

}  // namespace relay::cli
