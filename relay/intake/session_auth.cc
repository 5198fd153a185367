// How a session authenticates its client: the mechanism's steps, slow hashes on a worker, failures delayed and counted.
#include <fmt/format.h>

#include "relay/hashes.h"
#include "relay/intake/replies.h"
#include "relay/intake/session.h"

namespace relay::intake {
namespace {

using mail::EnhancedStatus;
using mail::Reply;

constexpr std::chrono::seconds failure_delay(2);
}  // namespace

Task<void> Session::begin_auth(const mail::event::Auth& event) {
  if (context_.auth_failures.are_too_many(client_, Clock::now())) {
    refuse_auth(Reply(421, EnhancedStatus{4, 7, 0}, "too many failed attempts to authenticate, try again later"), {});
    co_return;
  }
  sasl_.emplace(*settings_->users, event.mechanism, fresh_nonce());
  auto step = sasl_->start(event.initial);
  co_await go_on_with_auth(std::move(step));
}

Task<void> Session::continue_auth(const mail::event::AuthResponse& event) {
  auto step = sasl_->next(event.octets);
  co_await go_on_with_auth(std::move(step));
}

Task<void> Session::go_on_with_auth(sasl::Step step) {
  if (const auto* check = std::get_if<sasl::CheckPassword>(&step)) {
    const sasl::CheckPassword asked = *check;
    deadline_.suspend();  // the worker is waited for
    const Users* users = settings_->users.get();
    auto work = [users, &asked] { return users->is_password(asked.name, asked.password); };
    const bool right = co_await on(context_.password_checks, services_.loop, work);
    deadline_.after(settings_->config.accept.commands_timeout);
    if (right) {
      step = sasl::Success{asked.name};
    } else {
      step = sasl::Failure{asked.name};
    }
  }
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    session_.challenge(challenge->octets);
  } else if (const auto* success = std::get_if<sasl::Success>(&step)) {
    sasl_.reset();
    become(Identity{Trust::trusted, fmt::format("user {}", success->name)});
    session_.client().user = success->name;
    session_.reply(Reply(235, EnhancedStatus{2, 7, 0}, "authenticated"));
  } else {
    const auto* failure = std::get_if<sasl::Failure>(&step);
    const std::string name = failure == nullptr ? std::string() : failure->name;
    sasl_.reset();
    context_.auth_failures.add(client_, Clock::now());
    Timer pause(services_.loop, failure_delay);
    co_await pause.async_wait(as_result);
    refuse_auth(Reply(535, EnhancedStatus{5, 7, 8}, "the name or the password is wrong"), name);
  }
}

void Session::refuse_auth(const Reply& reply, std::string_view user) {
  ++services_.statistics.refused;
  services_.log.warning("refused")
      .with("client", fmt::format("{}[{}]", session_.client().helo, session_.client().address))
      .with("user", user)
      .with("reply", reply.to_string());
  session_.reply(reply);
}

}  // namespace relay::intake
