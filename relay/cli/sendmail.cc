// mailferry called as sendmail: the door for programs that know no other.
#include <poll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "relay/cli/commands.h"
#include "relay/cli/hand_in.h"
#include "relay/cli/letter.h"
#include "relay/cli/sendmail_options.h"

namespace relay::cli {
namespace {

/// Whether everything was written.
bool write_all(int descriptor, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(descriptor, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// -bs: what comes in goes to the socket and back, until the relay closes, which it does when nothing comes for too long.
int speak_smtp(const std::string& path) {
  auto line = SubmitLine::connect(path);
  if (!line) return no_line(line.error());
  std::array<char, 16384> piece{};
  std::array<pollfd, 2> ends{pollfd{line->descriptor(), POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return EX_OSERR;
    if (ends[0].revents != 0) {
      const ssize_t count = ::recv(line->descriptor(), piece.data(), piece.size(), 0);
      if (count <= 0) return EX_OK;
      if (!write_all(STDOUT_FILENO, std::string_view(piece.data(), static_cast<std::size_t>(count)))) return EX_IOERR;
    }
    if (ends[1].revents != 0) {
      const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
      if (count <= 0) {
        ::shutdown(line->descriptor(), SHUT_WR);
        ends[1].fd = -1;
      } else if (!line->write(std::string_view(piece.data(), static_cast<std::size_t>(count)))) {
        return EX_TEMPFAIL;
      }
    }
  }
}

int take_message(const std::string& path, const SendmailOptions& options) {
  if (options.recipients.empty() && !options.recipients_in_header) {
    complain("no recipients; write them behind the options, or -t for those of To:, Cc: and Bcc:");
    return EX_USAGE;
  }
  auto input = read_input("-");
  if (!input) {
    complain(input.error().words);
    return input.error().kind == base::Kind::full ? EX_DATAERR : EX_NOINPUT;
  }
  Order order;
  order.input = up_to_dot(*input, options.dot_is_text ? DotLine::is_text : DotLine::ends);
  order.from = options.from;
  order.full_name = options.full_name;
  order.recipients = options.recipients;
  order.whose = options.recipients_in_header ? Recipients::given_and_in_header : Recipients::given;
  order.notify = options.notify;
  order.ret = options.ret;
  order.envid = options.envid;
  return hand_in(path, order);
}

}  // namespace

int sendmail(const std::vector<std::string>& arguments) {
  const auto options = parse_sendmail(arguments);
  if (!options) {
    complain(options.error());
    return EX_USAGE;
  }
  Common common;
  if (!options->config_path.empty()) common.config_path = options->config_path;
  switch (options->mode) {
    case SendmailMode::nothing: return EX_OK;
    case SendmailMode::list_queue: return queue_list(common, {});
    case SendmailMode::speak_smtp: return speak_smtp(submit_path(common.config_path));
    case SendmailMode::take_message: return take_message(submit_path(common.config_path), *options);
  }
  return EX_SOFTWARE;
}

}  // namespace relay::cli
