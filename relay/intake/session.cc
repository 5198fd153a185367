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
/// More Received fields than any real way has: a loop (RFC 5321 6.3 asks for at least 100 when simple counting is used; large
/// receivers stop at 50).
constexpr std::size_t most_received = 50;

mail::ServerOptions server_options(const conf::Config& config, const conf::Listen& listen) {
  mail::ServerOptions options;
  options.hostname = config.hostname;
  options.message_size = config.accept.message_size.count;
  options.recipients = config.accept.recipients;
  options.offer_starttls = listen.tls == conf::ListenTls::starttls;
  options.require_tls = listen.require_tls;
  options.bare_newline =
      config.accept.bare_newline == conf::BareNewline::reject ? mail::BareNewline::reject : mail::BareNewline::normalize;
  return options;
}

}  // namespace

Session::Session(Socket socket, const conf::Listen& listen, IntakeContext& context)
    : context_(context),
      services_(context.services),
      settings_(services_.settings.get()),
      listen_(listen),
      connection_(std::move(socket)),
      deadline_(services_.loop),
      trust_(trust_of(settings_->config, connection_.peer())),
      session_(server_options(settings_->config, listen)),
      buffer_(read_size) {
  session_.client().address = connection_.peer().to_string();
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

void Session::answer(const mail::event::Mail& event) {
  const conf::Accept& accept = settings_->config.accept;
  draft_.reset();
  if (services_.store.health() == queue::Health::closed) {
    return refuse(reply_for(base::Error(Kind::storage, "closed")), {});
  }
  if (services_.free_space < accept.min_free_space.count) return refuse(reply_for(base::Error(Kind::full, "min_free_space")), {});
  session_.reply(Reply(250, EnhancedStatus{2, 1, 0}, fmt::format("<{}> sender ok", event.reverse_path.to_string())));
}

void Session::answer(const mail::event::Rcpt& event) {
  auto mailbox = may_reach(*settings_, trust_, event.mailbox);
  if (!mailbox) return refuse(mailbox.error(), event.mailbox.to_string());
  session_.accept_recipient(std::move(*mailbox));
  session_.reply(Reply(250, EnhancedStatus{2, 1, 5}, fmt::format("<{}> recipient ok", event.mailbox.to_string())));
}

void Session::begin_data() {
  draft_error_.reset();
  const queue::Origin origin = trust_ == Trust::trusted ? queue::Origin::trusted : queue::Origin::stranger;
  draft_ = std::make_unique<Draft>(settings_, origin, context_.ids.next(base::now()), context_.budget);
  session_.reply(Reply(354, "end with CR LF . CR LF"));
}

Task<void> Session::take(std::string_view content) {
  if (draft_error_) co_return;
  draft_->take(content);
  if (!draft_->wants_write_out()) co_return;
  deadline_.suspend();  // the disk has no deadline; the socket is not read meanwhile
  Draft* draft = draft_.get();
  queue::Disk* disk = &services_.disk;
  auto work = [draft, disk] { return draft->write_out(*disk); };
  auto executor = services_.workers.get_executor();
  auto written = co_await on(executor, services_.loop, work);
  draft->written_out();
  if (!written) draft_error_ = written.error();
}

Task<void> Session::take_message() {
  auto reply = co_await accept();
  draft_.reset();
  if (reply.is_positive()) {
    session_.reply(reply);
  } else {
    refuse(reply, session_.envelope().recipients.front().mailbox.to_string());
  }
  deadline_.after(settings_->config.accept.commands_timeout);
  if (stopping_) session_.close(reply_for(base::Error(Kind::cancelled, "stopping")));
}

std::optional<Reply> Session::refuse_content() const {
  const mail::HeaderBlock& header = draft_->header();
  if (draft_error_) return reply_for(*draft_error_);
  if (header.too_large()) {
    return Reply(552, EnhancedStatus{5, 3, 4},
                 fmt::format("the header is larger than {} KiB or {} fields", mail::HeaderBlock::max_octets >> 10U,
                             mail::HeaderBlock::max_fields));
  }
  if (header.count("Received") > most_received) {
    return Reply(554, EnhancedStatus{5, 4, 6}, fmt::format("mail loop: more than {} Received fields", most_received));
  }
  const conf::Dkim& dkim = settings_->config.dkim;
  const bool must_sign =
      trust_ == Trust::trusted && dkim.mode != conf::DkimMode::off && dkim.unsigned_mail == conf::Unsigned::reject;
  if (must_sign && draft_->signing_rules().empty()) {
    return Reply(550, EnhancedStatus{5, 7, 1},
                 "no [[dkim.sign]] rule matches the From: address, and unsigned mail is refused here");
  }
  return std::nullopt;
}

Task<Reply> Session::accept() {
  draft_->finish();
  if (auto refusal = refuse_content()) co_return *refusal;
  deadline_.suspend();  // a durable message is always answered
  const conf::OnSignFailure on_failure = settings_->config.dkim.on_sign_failure;
  auto begin = [this, on_failure](std::move_only_function<void(Result<Sealed>)> done) {
    asio::post(services_.workers, [&services = services_, draft = draft_.get(), envelope = session_.envelope(),
                                   client = session_.client(), on_failure, done = std::move(done)]() mutable {
      auto sealed = draft->seal(services.disk, std::move(envelope), std::move(client), base::now());
      const bool store = sealed && (sealed->signing_error.empty() || on_failure == conf::OnSignFailure::accept);
      if (!store) {
        if (sealed) queue::ContentWriter::discard(services.disk, sealed->message.content);
        asio::post(services.loop, [done = std::move(done), sealed = std::move(sealed)]() mutable { done(std::move(sealed)); });
        return;
      }
      queue::Message message = sealed->message;
      // From here on a content file is the store's, whatever comes of it.
      services.store.accept(std::move(message),
                            [done = std::move(done), sealed = std::move(sealed)](Result<void> stored) mutable {
                              if (!stored) return done(std::unexpected(stored.error()));
                              done(std::move(sealed));
                            });
    });
  };
  auto sealed = co_await await_on_loop<Result<Sealed>>(std::move(begin));
  co_return conclude(std::move(sealed));
}

Reply Session::conclude(Result<Sealed> sealed) {
  const std::string id = draft_->id().to_string();
  if (!sealed) {
    services_.log.error("refused").with("id", id).with("reason", sealed.error().words);
    return reply_for(sealed.error());
  }
  if (!sealed->signing_error.empty()) {
    services_.log.error("sign-failure").with("id", id).with("reason", sealed->signing_error);
    switch (settings_->config.dkim.on_sign_failure) {
      case conf::OnSignFailure::accept: break;
      case conf::OnSignFailure::tempfail:
        return Reply(451, EnhancedStatus{4, 7, 5}, "the message could not be signed, try again later");
      case conf::OnSignFailure::reject: return Reply(550, EnhancedStatus{5, 7, 5}, "the message could not be signed");
    }
  }
  const queue::Message& message = sealed->message;
  services_.log.info("accepted")
      .with("id", id)
      .with("msgid", message.message_id)
      .with("from", fmt::format("<{}>", message.envelope.reverse_path.to_string()))
      .with("client", fmt::format("{}[{}]", message.client.helo, message.client.address))
      .with("size", message.size())
      .with("rcpts", message.envelope.recipients.size());
  for (const SignedBy& signature : sealed->signatures) {
    services_.log.info("signed").with("id", id).with("d", signature.domain).with("s", signature.selector);
  }
  ++services_.statistics.accepted;
  context_.accepted(std::move(sealed->message));
  return Reply(250, EnhancedStatus{2, 0, 0}, "queued as " + id);
}

void Session::refuse(const Reply& reply, std::string_view to) {
  ++services_.statistics.refused;
  services_.log.info("refused")
      .with("client", fmt::format("{}[{}]", session_.client().helo, session_.client().address))
      .with("from", fmt::format("<{}>", session_.envelope().reverse_path.to_string()))
      .with("to", to)
      .with("reply", reply.to_string());
  session_.reply(reply);
}

}  // namespace relay::intake
