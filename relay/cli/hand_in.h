// The client of the submit socket: one message handed in, or refused as a whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "mail/reply.h"

namespace relay::cli {

/// admin.submit of a configuration that can be read, else the usual place: not every user may read the configuration.
std::string submit_path(const std::string& config_path);

/// All of a file or of standard input ("-"), at most as much as a message may ever have.
base::Result<std::string> read_input(const std::string& file);

enum class Recipients : std::uint8_t { given, given_and_in_header };

/// What is to be handed in.
struct Order {
  std::string input;
  std::optional<std::string> from;      ///< "" or "<>": the null reverse-path; nothing: the user at this host
  std::string full_name;                ///< instead of the user's own
  std::vector<std::string> recipients;  ///< each may be a list as in To:
  Recipients whose = Recipients::given;
  std::string notify;  ///< of RFC 3461, "SUCCESS,FAILURE"; empty: not given
  std::string ret;     ///< FULL or HDRS
  std::string envid;   ///< plain text
};

/// The exit code; what is wrong is told on standard error. Nothing is sent when one recipient is refused.
int hand_in(const std::string& socket_path, const Order& order);

/// A blocking connection to the submit socket; no wait is longer than ten minutes.
class SubmitLine {
 public:
  /// Kind::unsupported when `path` is empty: there is no such socket.
  static base::Result<SubmitLine> connect(const std::string& path);

  base::Result<void> write(std::string_view octets);
  base::Result<mail::Reply> read_reply();
  /// A command without its CR LF, and its reply.
  base::Result<mail::Reply> ask(std::string_view command);
  int descriptor() const { return socket_.get(); }

 private:
  explicit SubmitLine(base::Fd socket) : socket_(std::move(socket)) {}

  base::Fd socket_;
  mail::ReplyParser parser_;
};

/// Tells why there is no line; the exit code: 69 when there will be none, 75 when the relay does not run.
int no_line(const base::Error& error);

}  // namespace relay::cli
