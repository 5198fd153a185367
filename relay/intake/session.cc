// The conversation in the order of its events.
#include "relay/intake/session.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/text.h"
#include "relay/intake/replies.h"

namespace relay::intake {
namespace {

using base::Kind;
using base::Result;
using mail::EnhancedStatus;
using mail::Reply;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t read_size = 16U << 10U;
constexpr std::chrono::seconds goodbye_time(5);
constexpr std::chrono::seconds handshake_time(30);
mail::ServerOptions server_options(const Settings& settings, const conf::Listen& listen) {
  const conf::Config& config = settings.config;
  mail::ServerOptions options;
  options.hostname = config.hostname;
  options.message_size = config.accept.message_size.count;
  options.recipients = config.accept.recipients;
  options.offer_starttls = listen.tls == conf::ListenTls::starttls;
  options.require_tls = listen.require_tls;
  if (settings.users) options.auth = settings.users->mechanisms();
  options.bare_newline =
      config.accept.bare_newline == conf::BareNewline::reject ? mail::BareNewline::reject : mail::BareNewline::normalize;
  return options;
}

/// A program on this machine is known by its user, all others by their address.
Identity identity_at(const conf::Config& config, const Connection& connection) {
  if (const auto user = connection.local_user()) return Identity{Trust::trusted, fmt::format("local uid {}", *user)};
  return identity_of(config, connection.peer());
}

std::string address_at(const Connection& connection) {
  if (const auto user = connection.local_user()) return fmt::format("{}{}", mail::Client::user_mark, *user);
  return connection.peer().to_string();
}

}  // namespace

Session::Session(Socket socket, const conf::Listen& listen, IntakeContext& context)
    : context_(context),
      services_(context.services),
      settings_(services_.settings.get()),
      listen_(listen),
      connection_(std::move(socket)),
      deadline_(services_.loop),
      identity_(identity_at(settings_->config, connection_)),
      session_(server_options(*settings_, listen)),
      buffer_(read_size) {
  session_.client().address = address_at(connection_);
}

Task<void> Session::run() {
  deadline_.after(settings_->config.accept.commands_timeout);
  const auto ended = co_await (converse() || deadline_.expired());
  if (ended.index() == 1) {
    Reply timeout(421, EnhancedStatus{4, 4, 2}, "timed out waiting for you");
    Reply shutdown(421, EnhancedStatus{4, 3, 2}, "shutting down, try again later");
    co_await say_goodbye(stopping_ ? shutdown : timeout);
  }
  if (connection_.is_tls()) {
    deadline_.after(goodbye_time);
    co_await (connection_.shutdown() || deadline_.expired());
  }
  connection_.close();
}

Task<void> Session::say_goodbye(Reply reply) {
  const std::string text = reply.to_wire();
  deadline_.after(goodbye_time);
  co_await (connection_.write(text) || deadline_.expired());
}

void Session::stop() {
  stopping_ = true;
  if (!draft_) deadline_.after(std::chrono::milliseconds(0));
}

Task<void> Session::converse() {
  if (listen_.tls == conf::ListenTls::implicit) {
    const Next next = co_await start_tls();
    if (next == Next::close) co_return;
  }
  session_.greet();
  for (;;) {
    const mail::Event event = session_.next();
    if (std::holds_alternative<mail::event::NeedInput>(event)) {
      if (!session_.taking_content()) draft_.reset();  // it is refused already: nothing of it is kept
      const bool sent = co_await flush();
      if (!sent) co_return;
      deadline_.after(stopping_ && !draft_ ? base::Duration(0) : settings_->config.accept.commands_timeout);
      const auto count = co_await connection_.read_some(buffer_);
      if (!count) co_return;
      session_.feed(std::string_view(buffer_.data(), *count));
    } else if (const auto* content = std::get_if<mail::event::Content>(&event)) {
      if (draft_) co_await take(content->bytes);
    } else if (std::holds_alternative<mail::event::EndOfContent>(event)) {
      co_await take_message();
    } else if (const auto* mail_from = std::get_if<mail::event::Mail>(&event)) {
      answer(*mail_from);
    } else if (const auto* rcpt_to = std::get_if<mail::event::Rcpt>(&event)) {
      answer(*rcpt_to);
    } else if (std::holds_alternative<mail::event::BeginData>(event)) {
      begin_data();
    } else if (const auto* auth = std::get_if<mail::event::Auth>(&event)) {
      co_await begin_auth(*auth);
    } else if (const auto* response = std::get_if<mail::event::AuthResponse>(&event)) {
      co_await continue_auth(*response);
    } else if (std::holds_alternative<mail::event::StartTls>(event)) {
      const Next next = co_await start_tls();
      if (next == Next::close) co_return;
    } else {  // Close
      co_await flush();
      co_return;
    }
  }
}

Task<bool> Session::flush() {
  const std::string output = session_.take_output();
  if (output.empty()) co_return true;
  deadline_.after(settings_->config.accept.commands_timeout);
  const auto written = co_await connection_.write(output);
  co_return written.has_value();
}

Task<Session::Next> Session::start_tls() {
  const bool sent = co_await flush();
  if (!sent) co_return Next::close;
  deadline_.after(handshake_time);
  auto context = settings_->server_tls;
  const auto shaken = co_await connection_.start_tls(context, TlsRole::server, std::string());
  if (!shaken) {
    services_.log.info("refused").with("client", connection_.peer().to_string()).with("reply", shaken.error().words);
    co_return Next::close;
  }
  session_.tls_started(connection_.tls_words());
  co_return Next::go_on;
}

}  // namespace relay::intake
