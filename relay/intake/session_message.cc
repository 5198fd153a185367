// How a session takes a message: from DATA to the reply that promises it.
#include <fmt/format.h>

#include "base/text.h"
#include "mail/sanity.h"
#include "relay/intake/replies.h"
#include "relay/intake/session.h"

namespace relay::intake {
namespace {

/// More Received fields than any real way has: a loop (RFC 5321 6.3 asks for at least 100 when simple counting is used; large
/// receivers stop at 50).
constexpr std::size_t most_received = 50;

}  // namespace

using base::Kind;
using base::Result;
using mail::EnhancedStatus;
using mail::Reply;

void Session::begin_data() {
  draft_error_.reset();
  const queue::Origin origin = identity_.is_trusted() ? queue::Origin::trusted : queue::Origin::stranger;
  draft_ = std::make_unique<Draft>(settings_, origin, context_.ids.next(base::now()), context_.budget);
  const auto& limits = context_.limits;
  content_ends_ = Clock::now() + (identity_.is_trusted() ? limits.trusted_session : limits.stranger_content);
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

std::optional<Reply> Session::refuse_long_lines() const {
  const std::size_t longest = draft_->longest_line();
  if (longest <= mail::longest_line) return std::nullopt;
  if (settings_->config.accept.long_lines == conf::LongLines::reject) {
    return Reply(550, EnhancedStatus{5, 6, 0},
                 fmt::format("a line of {} octets, and RFC 5322 allows {}", longest, mail::longest_line));
  }
  if (draft_->is_reencoded() && !mail::fold_long_lines(draft_->header().raw())) {
    return Reply(550, EnhancedStatus{5, 6, 0},
                 fmt::format("the header has a line over {} octets that cannot be folded", mail::longest_line));
  }
  return std::nullopt;
}

std::optional<Reply> Session::refuse_content() const {
  const mail::HeaderBlock& header = draft_->header();
  if (draft_error_) return reply_for(*draft_error_);
  if (header.too_large()) {
    return Reply(552, EnhancedStatus{5, 3, 4},
                 fmt::format("the header is larger than {} KiB or {} fields", mail::HeaderBlock::max_octets >> 10U,
                             mail::HeaderBlock::max_fields));
  }
  if (draft_->hops() > most_received) {
    return Reply(554, EnhancedStatus{5, 4, 6}, fmt::format("mail loop: more than {} Received fields", most_received));
  }
  if (settings_->config.accept.malformed == conf::Malformed::reject) {
    const std::string flaw = draft_->has_nul() ? "it holds a NUL octet" : mail::flaw(header);
    if (!flaw.empty()) return Reply(550, EnhancedStatus{5, 6, 0}, "receivers would refuse this message: " + flaw);
  }
  if (auto refusal = refuse_long_lines()) return refusal;
  if (auto refusal = refuse_author(settings_->config, identity_.trust, header)) return refusal;
  const conf::Dkim& dkim = settings_->config.dkim;
  const bool must_sign = identity_.is_trusted() && conf::signs(dkim.mode) && dkim.unsigned_mail == conf::Unsigned::reject;
  if (must_sign && draft_->signing_rules().empty()) {
    return Reply(550, EnhancedStatus{5, 7, 1},
                 "no [[dkim.sign]] rule matches the From: address, and unsigned mail is refused here");
  }
  return std::nullopt;
}

/// What DNS does not say in time makes no refusal, but a temperror.
Task<void> Session::fetch_keys() {
  auto questions = draft_->key_questions();
  if (questions.empty()) co_return;
  const auto most = context_.limits.keys;
  auto answers = co_await ask_within(most, services_.loop, services_.resolver, questions);
  draft_->answer(std::move(questions), std::move(answers));
}

Task<Reply> Session::accept() {
  draft_->finish();
  if (auto refusal = refuse_content()) co_return *refusal;
  mail::Envelope envelope = envelope_to_queue();
  Duplicates::Claim claim;
  if (auto answer = answer_repeat(envelope, claim)) co_return *answer;
  std::string held_for = why_hold(envelope);
  deadline_.suspend();  // a durable message is always answered
  co_await fetch_keys();
  const conf::OnSignFailure on_failure = settings_->config.dkim.on_sign_failure;
  const base::Duration repeats_within = settings_->config.accept.duplicates;
  auto begin = [this, on_failure, repeats_within, &envelope, &claim,
                &held_for](std::move_only_function<void(Result<Sealed>)> done) {
    asio::post(services_.workers, [&services = services_, draft = draft_.get(), &envelope, client = session_.client(),
                                   fingerprints = claim.fingerprints(), &held_for, on_failure, repeats_within,
                                   done = std::move(done)]() mutable {
      auto sealed = draft->seal(services.disk, std::move(envelope), std::move(client), base::now());
      if (sealed) {
        sealed->message.fingerprints = std::move(fingerprints);
        sealed->message.receipts_since = sealed->message.received - repeats_within;
        sealed->message.held_for = std::move(held_for);
      }
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

void Session::log_accepted(const queue::Message& message) const {
  relay::Event line = services_.log.info("accepted");
  line.with("id", message.id.to_string())
      .with("msgid", message.message_id)
      .with("from", fmt::format("<{}>", message.envelope.reverse_path.to_string()))
      .with("client", fmt::format("{}[{}]", message.client.helo, message.client.address));
  if (!message.client.user.empty()) line.with("user", message.client.user);
  line.with("size", message.size()).with("rcpts", message.envelope.recipients.size());
}

void Session::log_signatures(const Sealed& sealed) const {
  const std::string id = draft_->id().to_string();
  for (const SignedBy& signature : sealed.signatures) {
    services_.log.info("signed").with("id", id).with("d", signature.domain).with("s", signature.selector);
  }
  for (const dkim::SignatureResult& result : sealed.verified) {
    services_.log.info("verified")
        .with("id", id)
        .with("d", result.domain)
        .with("s", result.selector)
        .with("result", result_word(result))
        .with("reason", result.reason);
  }
}

void Session::tell_of_repairs(const Sealed& sealed) const {
  const std::string id = draft_->id().to_string();
  if (const Stripped& stripped = draft_->stripped(); !stripped.values.empty()) {
    services_.log.info("stripped").with("id", id).with(base::lower(stripped.name), stripped.values);
  }
  if (sealed.reencoded) services_.log.info("reencoded").with("id", id).with("longest", draft_->longest_line());
  const bool warn = sealed.has_long_lines && settings_->config.accept.long_lines == conf::LongLines::reencode;
  if (warn) services_.log.warning("long-lines").with("id", id).with("longest", draft_->longest_line());
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
  tell_of_repairs(*sealed);
  log_accepted(message);
  log_signatures(*sealed);
  ++services_.statistics.accepted;
  context_.duplicates.remember(message);
  if (!message.held_for.empty()) {
    services_.log.warning("held").with("id", id).with("reason", message.held_for);
    return Reply(250, EnhancedStatus{2, 0, 0}, fmt::format("queued as {}, {}", id, message.held_for));
  }
  context_.accepted(std::move(sealed->message));
  return Reply(250, EnhancedStatus{2, 0, 0}, "queued as " + id);
}

}  // namespace relay::intake
