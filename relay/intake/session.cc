// The conversation in the order of its events.
#include "relay/intake/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/text.h"
#include "relay/intake/replies.h"
#include "relay/intake/trusted_names.h"

namespace relay::intake {
namespace {

using base::Kind;
using base::Result;
using mail::EnhancedStatus;
using mail::Reply;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t read_size = 16U << 10U;    // of content
constexpr std::size_t command_size = 2U << 10U;  // what ten thousand idle sessions hold each
constexpr std::chrono::seconds goodbye_time(5);
constexpr std::chrono::seconds handshake_time(30);

mail::ServerOptions server_options(const Settings& settings, const conf::Listen& listen, const Connection& connection,
                                   const base::IpAddress& client) {
  const conf::Config& config = settings.config;
  mail::ServerOptions options;
  options.hostname = config.hostname;
  options.message_size = config.accept.message_size.count;
  options.recipients = config.accept.recipients;
  options.offer_starttls = listen.tls == conf::ListenTls::starttls;
  options.require_tls = listen.require_tls;
  if (settings.users) options.auth = settings.users->mechanisms();
  options.offer_xclient = !connection.local_user() && std::ranges::any_of(config.accept.xclient, [&](const base::Cidr& network) {
    return network.contains(client);
  });
  options.bare_newline =
      config.accept.bare_newline == conf::BareNewline::reject ? mail::BareNewline::reject : mail::BareNewline::normalize;
  return options;
}

/// A program on this machine is known by its user, all others by their address.
Identity identity_at(const conf::Config& config, const TrustedNames& names, const Connection& connection,
                     const base::IpAddress& client) {
  if (const auto user = connection.local_user()) return Identity{Trust::trusted, fmt::format("local uid {}", *user)};
  return identity_of(config, names.addresses(), client);
}

std::string address_at(const Connection& connection, const base::IpAddress& client) {
  if (const auto user = connection.local_user()) return fmt::format("{}{}", mail::Client::user_mark, *user);
  return client.to_string();
}

}  // namespace

Session::Session(Socket socket, const base::IpAddress& client, const conf::Listen& listen, IntakeContext& context, Gate& gate)
    : context_(context),
      services_(context.services),
      settings_(services_.settings.get()),
      listen_(listen),
      connection_(std::move(socket)),
      deadline_(services_.loop),
      client_(client),
      gate_(gate),
      identity_(identity_at(settings_->config, context.names, connection_, client_)),
      visit_(gate, client_, identity_.trust),
      session_(server_options(*settings_, listen, connection_, client)),
      buffer_(command_size),
      session_ends_(Clock::now()),
      content_ends_(session_ends_) {
  session_.client().address = address_at(connection_, client_);
}

Task<void> Session::run() {
  deadline_.after(settings_->config.accept.commands_timeout);
  const auto ended = co_await (converse() || deadline_.expired());
  if (ended.index() == 1) {
    const Reply reply = why_over();
    if (!stopping_) {
      services_.log.info("closed").with("client", session_.client().address).with("reply", reply.to_string());
    }
    co_await say_goodbye(reply);
  }
  if (connection_.is_tls()) {
    deadline_.after(goodbye_time);
    co_await (connection_.shutdown() || deadline_.expired());
  }
  connection_.close();
}

Reply Session::why_over() const {
  const auto now = Clock::now();
  if (stopping_) return Reply(421, EnhancedStatus{4, 3, 2}, "shutting down, try again later");
  if (draft_ && now >= content_ends_) return Reply(421, EnhancedStatus{4, 4, 2}, "the message takes too long");
  if (!draft_ && now >= session_ends_)
    return Reply(421, EnhancedStatus{4, 4, 2}, "the session has lasted long enough, come again");
  return Reply(421, EnhancedStatus{4, 4, 2}, "timed out waiting for you");
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
  const Next opened = co_await open();
  if (opened == Next::close) co_return;
  for (;;) {
    const mail::Event event = session_.next();
    if (std::holds_alternative<mail::event::NeedInput>(event)) {
      if (!session_.taking_content()) draft_.reset();  // it is refused already: nothing of it is kept
      co_await tarpit();
      const bool sent = co_await flush();
      if (!sent) co_return;
      listen_for();
      fit_buffer();
      const auto count = co_await connection_.read_some(buffer_);
      if (!count) co_return;
      if (draft_ && identity_.is_trusted()) connection_.acknowledge();
      session_.feed(std::string_view(buffer_.data(), *count));
    } else if (const auto* content = std::get_if<mail::event::Content>(&event)) {
      if (draft_) co_await take(content->bytes);
    } else if (std::holds_alternative<mail::event::EndOfContent>(event)) {
      co_await take_message();
    } else if (const auto* mail_from = std::get_if<mail::event::Mail>(&event)) {
      answer(*mail_from);
    } else if (const auto* rcpt_to = std::get_if<mail::event::Rcpt>(&event)) {
      co_await answer_recipient(*rcpt_to);
    } else if (const auto* xclient = std::get_if<mail::event::Xclient>(&event)) {
      answer(*xclient);
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
      if (session_.errors() >= mail::ServerSession::max_errors) {
        services_.log.info("closed").with("client", session_.client().address).with("reply", "421 4.7.0 too many errors");
      }
      co_await tarpit();
      co_await flush();
      co_return;
    }
  }
}

/// Up to the greeting, which is not yet written.
Task<Session::Next> Session::open() {
  const auto& limits = context_.limits;
  session_ends_ = Clock::now() + (identity_.is_trusted() ? limits.trusted_session : limits.stranger_session);
  if (listen_.tls == conf::ListenTls::implicit) {
    const Next next = co_await start_tls();
    if (next == Next::close) co_return next;
  } else if (!identity_.is_trusted()) {
    const bool early = co_await speaks_early();
    if (early) co_return Next::close;
  }
  session_.greet();
  co_return Next::go_on;
}

/// Programs that only throw mail at ports do not wait for the greeting, as RFC 5321 3.1 wants it; they get 554 instead of one.
Task<bool> Session::speaks_early() {
  if (context_.limits.early_talk.count() == 0) co_return false;
  Timer pause(services_.loop, context_.limits.early_talk);
  const auto first = co_await (connection_.readable() || pause.async_wait(as_result));
  if (first.index() == 1) co_return false;
  const auto count = co_await connection_.read_some(buffer_);
  if (!count) co_return true;  // gone already
  const Reply reply(554, EnhancedStatus{5, 5, 1}, fmt::format("{} you spoke before the greeting", settings_->config.hostname));
  ++services_.statistics.refused;
  services_.log.info("closed").with("client", session_.client().address).with("reply", reply.to_string());
  const std::string text = reply.to_wire();
  co_await connection_.write(text);
  co_return true;
}

/// A stranger who makes mistake after mistake waits for the replies; that costs us a timer.
Task<void> Session::tarpit() {
  const auto& limits = context_.limits;
  const int before = std::max(std::exchange(errors_, session_.errors() + put_off_), limits.free_errors);
  if (identity_.is_trusted() || errors_ <= before) co_return;
  const Limits::Milliseconds time = std::min(limits.most_tarpit, limits.tarpit * (errors_ - before));
  deadline_.after(settings_->config.accept.commands_timeout + time);
  Timer pause(services_.loop, time);
  co_await pause.async_wait(as_result);
}

/// Until when the next octet must come.
void Session::listen_for() {
  const auto now = Clock::now();
  auto time = std::chrono::ceil<Limits::Milliseconds>((draft_ ? content_ends_ : session_ends_) - now);
  // The link from home may stand still in the middle of a message; it is worth waiting for.
  const int patience = draft_ && identity_.is_trusted() ? 2 : 1;
  time = std::min(time, Limits::Milliseconds(settings_->config.accept.commands_timeout * patience));
  if (stopping_ && !draft_) time = Limits::Milliseconds(0);
  deadline_.after(time);
}

void Session::fit_buffer() {
  const std::size_t size = draft_ ? read_size : command_size;
  if (buffer_.size() == size) return;
  std::vector<char>(size).swap(buffer_);
  if (!draft_) session_.release();
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
    services_.log.info("refused").with("client", client_.to_string()).with("reply", shaken.error().words);
    co_return Next::close;
  }
  session_.tls_started(connection_.tls_words());
  recognise();
  co_return Next::go_on;
}

}  // namespace relay::intake
