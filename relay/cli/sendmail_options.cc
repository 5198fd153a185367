// One table of letters: with a value, or without.
#include "relay/cli/sendmail_options.h"

#include <fmt/format.h>

#include <string_view>

#include "base/text.h"

namespace relay::cli {
namespace {

constexpr std::string_view with_value = "ABCFLNORVXbfhopr";
constexpr std::string_view with_joined_value = "deq";  // only "-q30m", never "-q 30m"
constexpr std::string_view without_value = "GIUcimnstvx";

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  std::expected<SendmailOptions, std::string> read() {
    bool only_recipients = false;
    while (at_ < arguments_.size() && wrong_.empty()) {
      const std::string& argument = arguments_[at_++];
      if (!only_recipients && argument == "--") {
        only_recipients = true;
      } else if (!only_recipients && argument.size() > 1 && argument.front() == '-') {
        take_cluster(std::string_view(argument).substr(1));
      } else {
        options_.recipients.push_back(argument);
      }
    }
    if (!wrong_.empty()) return std::unexpected(wrong_);
    return options_;
  }

 private:
  void take_cluster(std::string_view letters) {
    while (!letters.empty() && wrong_.empty()) {
      const char letter = letters.front();
      letters.remove_prefix(1);
      if (without_value.find(letter) != std::string_view::npos) {
        take_flag(letter);
      } else if (with_joined_value.find(letter) != std::string_view::npos) {
        if (letter == 'q') options_.mode = SendmailMode::nothing;
        return;
      } else if (with_value.find(letter) == std::string_view::npos) {
        wrong_ = fmt::format("unknown option -{}", letter);
      } else if (!letters.empty()) {
        return take_value(letter, std::string(letters));
      } else if (at_ == arguments_.size()) {
        wrong_ = fmt::format("-{} needs a value", letter);
      } else {
        return take_value(letter, arguments_[at_++]);
      }
    }
  }

  void take_flag(char letter) {
    if (letter == 't') options_.recipients_in_header = true;
    if (letter == 'i') options_.dot_is_text = true;
    if (letter == 'I') options_.mode = SendmailMode::nothing;
  }

  void take_value(char letter, const std::string& value) {
    switch (letter) {
      case 'f':
      case 'r': options_.from = value; break;
      case 'F': options_.full_name = value; break;
      case 'C': options_.config_path = value; break;
      case 'V': options_.envid = value; break;
      case 'o':
        if (value == "i") options_.dot_is_text = true;
        break;
      case 'b': take_mode(value); break;
      case 'N': take_notify(value); break;
      case 'R': take_return(value); break;
      default: break;  // accepted, as others do, and without a meaning here
    }
  }

  void take_mode(const std::string& value) {
    if (value == "m") {
      options_.mode = SendmailMode::take_message;
    } else if (value == "s") {
      options_.mode = SendmailMode::speak_smtp;
    } else if (value == "p") {
      options_.mode = SendmailMode::list_queue;
    } else if (value == "i") {
      options_.mode = SendmailMode::nothing;
    } else {
      wrong_ = fmt::format("-b{} is not supported; the relay itself is started with \"mailferry serve\"", value);
    }
  }

  void take_notify(const std::string& value) {
    std::string notify;
    const auto parts = base::split(value, ',');
    for (const std::string_view part : parts) {
      const std::string word = base::upper(base::trim(part));
      const bool known = word == "SUCCESS" || word == "FAILURE" || word == "DELAY" || (word == "NEVER" && parts.size() == 1);
      if (!known) wrong_ = fmt::format("-N {}: write \"never\", or some of \"success,failure,delay\"", value);
      notify += (notify.empty() ? "" : ",") + word;
    }
    options_.notify = notify;
  }

  void take_return(const std::string& value) {
    options_.ret = base::upper(value);
    if (options_.ret != "FULL" && options_.ret != "HDRS") wrong_ = fmt::format("-R {}: write \"full\" or \"hdrs\"", value);
  }

  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  SendmailOptions options_;
  std::string wrong_;
};

}  // namespace

std::expected<SendmailOptions, std::string> parse_sendmail(const std::vector<std::string>& arguments) {
  return Reader(arguments).read();
}

}  // namespace relay::cli
