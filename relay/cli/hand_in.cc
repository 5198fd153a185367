// One transaction, command by command: on this machine a round trip costs nothing, and so a refused recipient stops the whole.
#include "relay/cli/hand_in.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/text.h"
#include "conf/config.h"
#include "mail/address_list.h"
#include "mail/data.h"
#include "mail/xtext.h"
#include "relay/cli/commands.h"
#include "relay/cli/letter.h"

namespace relay::cli {
namespace {

using base::Kind;
using base::Result;
using mail::Reply;

constexpr std::size_t largest_input = 1U << 30U;  // as accept.message_size at most
constexpr std::size_t piece_size = 64U << 10U;
constexpr time_t longest_wait = 600;  // seconds; RFC 5321 4.5.3.2.6: the reply to the final dot

/// An exit code of sysexits(3) and what is told.
struct Trouble {
  int code = EX_OK;
  std::string words;
};

Trouble of_line(const base::Error& error) {
  return Trouble{error.kind == Kind::invalid ? EX_PROTOCOL : EX_TEMPFAIL, error.words};
}

/// `permanent`: the code for a refusal at this place.
Trouble of_reply(const Reply& reply, int permanent, std::string_view about) {
  const bool too_large = reply.code == 552;
  const bool bad_content = reply.status && reply.status->subject == 6;
  if (reply.is_permanent() && (too_large || bad_content)) permanent = EX_DATAERR;
  return Trouble{reply.is_permanent() ? permanent : EX_TEMPFAIL, fmt::format("{}{}", about, reply.to_string())};
}

struct User {
  std::string name;
  std::string full_name;
};

User current_user() {
  const passwd* entry = ::getpwuid(::getuid());
  if (entry == nullptr) return User{fmt::format("uid{}", ::getuid()), {}};
  const std::string_view gecos = entry->pw_gecos == nullptr ? "" : entry->pw_gecos;
  return User{entry->pw_name, std::string(gecos.substr(0, gecos.find(',')))};
}

/// What MAIL and RCPT say, once the relay has named itself.
struct Plan {
  std::string reverse_path;
  std::vector<std::string> recipients;
  std::string content;
  bool is_8bit = false;
};

class Errand {
 public:
  Errand(SubmitLine line, const Order& order) : line_(std::move(line)), order_(order) {}

  Trouble run() {
    const auto greeting = line_.read_reply();
    if (!greeting) return of_line(greeting.error());
    if (!greeting->is_positive()) return of_reply(*greeting, EX_UNAVAILABLE, "");
    const auto offers = line_.ask("EHLO localhost");
    if (!offers) return of_line(offers.error());
    if (!offers->is_positive() || offers->lines.empty()) return of_reply(*offers, EX_PROTOCOL, "");
    const std::string& first = offers->lines.front();
    hostname_ = first.substr(0, first.find(' '));
    if (auto trouble = make_plan(); trouble.code != EX_OK) return trouble;
    if (auto trouble = say_envelope(); trouble.code != EX_OK) return trouble;
    return say_content();
  }

 private:
  Trouble make_plan() {
    const User user = current_user();
    const Letter letter(order_.input);
    std::vector<std::string> texts;
    for (const std::string& given : order_.recipients) {
      auto addresses = mail::addresses_in(given);
      if (!addresses) return Trouble{EX_DATAERR, fmt::format("recipient {}: {}", given, addresses.error().words)};
      std::ranges::move(*addresses, std::back_inserter(texts));
    }
    if (order_.whose == Recipients::given_and_in_header) {
      auto addresses = letter.recipients();
      if (!addresses) return Trouble{EX_DATAERR, addresses.error().words};
      std::ranges::move(*addresses, std::back_inserter(texts));
    }
    if (texts.empty()) return Trouble{EX_DATAERR, "the message has no recipients"};
    std::set<mail::Mailbox> seen;
    for (const std::string& text : texts) {
      auto mailbox = mail::qualified(text, hostname_);
      if (!mailbox) return Trouble{EX_DATAERR, fmt::format("recipient {}: {}", text, mailbox.error().words)};
      if (seen.insert(*mailbox).second) plan_.recipients.push_back(mailbox->to_string());
    }
    const std::string own = fmt::format("{}@{}", user.name, hostname_);
    if (auto trouble = set_reverse_path(own); trouble.code != EX_OK) return trouble;
    Sender sender;
    sender.address = plan_.reverse_path.empty() ? own : plan_.reverse_path;
    sender.full_name = order_.full_name.empty() ? user.full_name : order_.full_name;
    plan_.content = letter.finish(sender);
    plan_.is_8bit = letter.is_8bit();
    return {};
  }

  Trouble set_reverse_path(const std::string& own) {
    plan_.reverse_path = own;
    if (!order_.from) return {};
    auto addresses = mail::addresses_in(*order_.from);
    if (!addresses || addresses->size() > 1) return Trouble{EX_DATAERR, fmt::format("sender {}: cannot be read", *order_.from)};
    plan_.reverse_path.clear();
    if (addresses->empty()) return {};
    auto mailbox = mail::qualified(addresses->front(), hostname_);
    if (!mailbox) return Trouble{EX_DATAERR, fmt::format("sender {}: {}", *order_.from, mailbox.error().words)};
    plan_.reverse_path = mailbox->to_string();
    return {};
  }

  Trouble say_envelope() {
    std::string command = fmt::format("MAIL FROM:<{}> SIZE={}", plan_.reverse_path, plan_.content.size());
    if (plan_.is_8bit) command += " BODY=8BITMIME";
    const bool utf8 = !base::is_ascii(plan_.reverse_path) ||
                      std::ranges::any_of(plan_.recipients, [](const std::string& to) { return !base::is_ascii(to); });
    if (utf8) command += " SMTPUTF8";
    if (!order_.ret.empty()) command += fmt::format(" RET={}", order_.ret);
    if (!order_.envid.empty()) command += fmt::format(" ENVID={}", mail::encode_xtext(order_.envid));
    const auto mail_reply = line_.ask(command);
    if (!mail_reply) return of_line(mail_reply.error());
    if (!mail_reply->is_positive()) return of_reply(*mail_reply, EX_UNAVAILABLE, fmt::format("<{}>: ", plan_.reverse_path));
    const std::string notify = order_.notify.empty() ? std::string() : fmt::format(" NOTIFY={}", order_.notify);
    for (const std::string& recipient : plan_.recipients) {
      const auto reply = line_.ask(fmt::format("RCPT TO:<{}>{}", recipient, notify));
      if (!reply) return of_line(reply.error());
      if (!reply->is_positive()) return of_reply(*reply, EX_NOUSER, fmt::format("<{}>: ", recipient));
    }
    return {};
  }

  Trouble say_content() {
    const auto go_ahead = line_.ask("DATA");
    if (!go_ahead) return of_line(go_ahead.error());
    if (!go_ahead->is_intermediate()) return of_reply(*go_ahead, EX_UNAVAILABLE, "");
    mail::DotStuffer stuffer;
    std::string_view rest = plan_.content;
    std::string octets;
    while (!rest.empty()) {
      octets.clear();
      stuffer.append(rest.substr(0, piece_size), octets);
      rest.remove_prefix(std::min(rest.size(), piece_size));
      if (auto written = line_.write(octets); !written) return of_line(written.error());
    }
    octets.clear();
    stuffer.finish(octets);
    if (auto written = line_.write(octets); !written) return of_line(written.error());
    const auto verdict = line_.read_reply();
    if (!verdict) return of_line(verdict.error());
    if (!verdict->is_positive()) return of_reply(*verdict, EX_UNAVAILABLE, "");
    // The message is the relay's now, whatever becomes of the connection.
    [[maybe_unused]] const auto bye = line_.write("QUIT\r\n");
    return {};
  }

  SubmitLine line_;
  const Order& order_;
  std::string hostname_;
  Plan plan_;
};

}  // namespace

std::string submit_path(const std::string& config_path) {
  if (::access(config_path.c_str(), R_OK) == 0) {
    if (const auto config = conf::read_config(config_path)) return config->admin.submit;
  }
  return conf::Admin().submit;
}

Result<std::string> read_input(const std::string& file) {
  base::Fd opened;
  if (file != "-") opened = base::Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (file != "-" && !opened) return std::unexpected(base::system_error(Kind::invalid, "cannot read " + file, errno));
  const int descriptor = file == "-" ? STDIN_FILENO : opened.get();
  std::string input;
  std::string piece(piece_size, '\0');
  for (;;) {
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count == 0) return input;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(base::system_error(Kind::invalid, "cannot read " + file, errno));
    input.append(piece, 0, static_cast<std::size_t>(count));
    if (input.size() > largest_input) return base::fail(Kind::full, "the message is larger than 1 GiB");
  }
}

int no_line(const base::Error& error) {
  complain(error.words);
  return error.kind == Kind::unsupported ? EX_UNAVAILABLE : EX_TEMPFAIL;
}

int hand_in(const std::string& socket_path, const Order& order) {
  auto line = SubmitLine::connect(socket_path);
  if (!line) return no_line(line.error());
  const Trouble trouble = Errand(std::move(*line), order).run();
  if (trouble.code != EX_OK) complain(trouble.words);
  return trouble.code;
}

Result<SubmitLine> SubmitLine::connect(const std::string& path) {
  if (path.empty()) return base::fail(Kind::unsupported, "admin.submit is \"\": this relay takes no local mail");
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  if (path.size() >= sizeof place.sun_path) return base::fail(Kind::closed, "the path of admin.submit is too long: " + path);
  path.copy(static_cast<char*>(place.sun_path), path.size());
  timeval wait{};
  wait.tv_sec = longest_wait;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    return std::unexpected(base::system_error(Kind::closed, fmt::format("mailferry is not running ({})", path), errno));
  }
  return SubmitLine(std::move(socket));
}

Result<void> SubmitLine::write(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::unexpected(base::system_error(Kind::closed, "the relay closed the submit socket", errno));
    octets.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<Reply> SubmitLine::read_reply() {
  std::string piece(4096, '\0');
  for (;;) {
    auto reply = parser_.next();
    if (!reply) return std::unexpected(reply.error());
    if (*reply) return **reply;
    const ssize_t count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return base::fail(Kind::closed, "the relay closed the submit socket");
    parser_.feed(std::string_view(piece).substr(0, static_cast<std::size_t>(count)));
  }
}

Result<Reply> SubmitLine::ask(std::string_view command) {
  if (auto written = write(fmt::format("{}\r\n", command)); !written) return std::unexpected(written.error());
  return read_reply();
}

}  // namespace relay::cli
