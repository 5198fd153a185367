// A connection outwards, driven by what ClientSession says comes next. A message is sent in attempt_content.
#include "relay/delivery/attempt.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "relay/hashes.h"
#include "relay/own_addresses.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t reply_size = 4096;
constexpr std::chrono::seconds parting_time(2);
constexpr std::chrono::seconds hearing_time(5);

std::optional<base::IpAddress> source_for(const conf::Config& config, const base::IpAddress& target) {
  const std::string& bound = target.is_v6() ? config.delivery.bind_ipv6 : config.delivery.bind_ipv4;
  if (bound.empty()) return std::nullopt;
  auto address = base::IpAddress::parse(bound);
  if (!address) return std::nullopt;  // the configuration has checked it
  return *address;
}

bool is_of_handshake(const std::optional<Failure>& failure) { return failure && failure->stage == mail::Stage::handshake; }

/// The network or the host, and not our own address.
bool is_of_host(const Failure& failure) {
  return failure.error && (failure.error->kind == Kind::closed || failure.error->kind == Kind::timeout);
}

}  // namespace

queue::Outcome Failure::outcome(queue::MoreHosts more_hosts) const {
  if (requiretls) {
    return reply ? queue::classify_requiretls(stage, *reply, more_hosts) : queue::classify_requiretls(stage, *error, more_hosts);
  }
  return reply ? queue::classify(stage, *reply, more_hosts) : queue::classify(stage, *error, more_hosts);
}

bool Failure::rules_out_requiretls() const {
  if (!requiretls) return false;
  return reply ? queue::rules_out_requiretls(stage, *reply) : queue::rules_out_requiretls(stage, *error);
}

std::string Failure::words() const { return reply ? reply->to_string() : error->words; }

Attempt::Attempt(Services& services, std::shared_ptr<const Settings> settings, dns::Candidate candidate, TlsPolicy tls,
                 std::optional<Login> login)
    : services_(services),
      settings_(std::move(settings)),
      candidate_(std::move(candidate)),
      tls_(tls),
      login_(std::move(login)),
      deadline_(services.loop),
      client_(std::string(), mail::SessionOptions()),
      buffer_(reply_size) {
  const bool tls_fails = services_.host_memory.has(candidate_, Trouble::tls, Clock::now());
  prepare(tls_.use == mail::TlsUse::opportunistic && tls_fails ? mail::TlsUse::never : tls_.use);
  ++services_.statistics.connections_out;
}

Attempt::~Attempt() {
  connection_->close();
  --services_.statistics.connections_out;
}

std::unique_ptr<Attempt> attempt_for(Services& services, std::shared_ptr<const Settings> settings, dns::Candidate host,
                                     std::string_view destination, mail::TlsWish wish) {
  const TlsPolicy tls = tls_policy(settings->config, destination, host, wish);
  std::optional<Login> login = login_for(*settings, destination, host);
  return std::make_unique<Attempt>(services, std::move(settings), std::move(host), tls, std::move(login));
}

/// For a connection from the beginning.
void Attempt::prepare(mail::TlsUse use) {
  if (connection_) connection_->close();
  connection_.emplace(Socket(services_.loop));
  mail::SessionOptions options;
  options.tls = use;
  options.implicit_tls = tls_.implicit;
  options.authenticate = login_.has_value();
  options.requiretls = tls_.requiretls;
  options.chunking = !services_.host_memory.has(candidate_, Trouble::chunks, Clock::now());
  client_ = mail::ClientSession(settings_->config.hostname, options);
  sasl_.reset();
  lost_.reset();
  connected_ = false;
  ++services_.statistics.connections_out_all;
}

void Attempt::abort() {
  aborted_ = true;
  connection_->close();
}

/// With opportunistic encryption plain text follows a failed handshake (RFC 7435). The host is remembered for it only once it has
/// shown that nothing else was wrong.
Task<std::optional<Failure>> Attempt::open() {
  auto failure = co_await connect();
  if (is_of_handshake(failure) && connection_->offered_session() && !aborted_) {
    prepare(tls_.use);  // the session may be what was wrong
    failure = co_await connect();
  }
  if (failure) failure->requiretls = tls_.requiretls;
  if (!is_of_handshake(failure) || tls_.use != mail::TlsUse::opportunistic || aborted_) co_return failure;
  services_.log.info("tls-failed")
      .with("mx", candidate_.host)
      .with("ip", candidate_.address.to_string())
      .with("reason", failure->words());
  prepare(mail::TlsUse::never);
  failure = co_await connect();
  if (!failure) services_.host_memory.add(candidate_, Trouble::tls, Clock::now());
  co_return failure;
}

Task<std::optional<Failure>> Attempt::connect() {
  if (is_own_door(settings_->config, candidate_.address, candidate_.port)) {
    const base::Error circle(Kind::closed, "this host is the relay itself: mail would go in a circle");
    co_return Failure(mail::Stage::connect, circle);
  }
  if (!tls_.name_is_sure) {
    const base::Error unsure(Kind::unsupported,
                             fmt::format("the sender asks for REQUIRETLS, and that {} is a host of this domain is "
                                         "said by DNS alone, which anybody may forge: a [[route]] that names the "
                                         "domain's hosts lets it go",
                                         candidate_.host));
    co_return Failure(mail::Stage::starttls, unsure);
  }
  auto work = connect_and_drive();
  auto failure = co_await within_deadline(std::move(work));
  if (failure && !connected_ && !aborted_ && is_of_host(*failure)) {
    services_.host_memory.add(candidate_, Trouble::dead, Clock::now());
  }
  if (!failure && connection_->is_tls()) services_.host_memory.remove(candidate_, Trouble::tls);
  co_return failure;
}

Task<std::optional<Failure>> Attempt::ask_about(mail::Mailbox recipient) {
  client_.ask_about(std::move(recipient));
  auto work = drive();
  auto failure = co_await within_deadline(std::move(work));
  outcome_ = client_.outcome();
  co_return failure;
}

Task<std::optional<Failure>> Attempt::within_deadline(Task<void> work) {
  const auto ended = co_await (std::move(work) || deadline_.expired());
  if (ended.index() == 1) {
    const mail::Stage stage = connected_ ? client_.stage() : mail::Stage::connect;
    lost(base::Error(Kind::timeout, fmt::format("timed out waiting for {}", mail::describe(stage))));
  }
  co_return failure();
}

std::optional<Failure> Attempt::failure() const {
  if (!connected_ && lost_) return Failure(mail::Stage::connect, *lost_);
  const auto& ended = client_.failure();
  if (!ended) return std::nullopt;
  if (ended->stage == mail::Stage::auth && ended->reply && ended->reply->code != 421) {
    // Not a word on our mail: what tables know of replies does not fit it.
    return Failure(ended->stage, base::Error(Kind::refused, fmt::format("the server refuses the password of [[route]] {}: {}",
                                                                        login_->username, ended->reply->to_string())));
  }
  if (ended->reply) return Failure(ended->stage, *ended->reply);
  return Failure(ended->stage, lost_ ? *lost_ : base::Error(ended->kind, ended->words));
}

void Attempt::lost(const base::Error& error) {
  if (client_.failure() && !lost_) return;  // the server had a word on it before
  lost_ = error;
  client_.connection_lost(error.words);
}

Task<void> Attempt::connect_and_drive() {
  deadline_.after(mail::time_limit(mail::Stage::connect));
  const auto source = source_for(settings_->config, candidate_.address);
  const auto connected = co_await connection_->connect(candidate_.address, candidate_.port, source);
  if (!connected) {
    lost(connected.error());
    co_return;
  }
  connected_ = true;
  services_.host_memory.remove(candidate_, Trouble::dead);
  co_await drive();
}

Task<void> Attempt::drive() {
  std::optional<std::size_t> heard;  // replies at the last read
  for (;;) {
    const mail::Action action = client_.next();
    if (std::holds_alternative<mail::action::Ready>(action) || std::holds_alternative<mail::action::Done>(action)) co_return;
    const bool reads = std::holds_alternative<mail::action::Read>(action);
    // Half a reply buys no time.
    if (!reads || heard != client_.replies()) deadline_.after(mail::time_limit(client_.stage()));
    if (reads) {
      heard = client_.replies();
      co_await read_reply();
    } else if (std::holds_alternative<mail::action::Write>(action)) {
      co_await write_commands();
    } else if (std::holds_alternative<mail::action::StartTls>(action)) {
      co_await start_tls();
    } else if (std::holds_alternative<mail::action::Respond>(action)) {
      co_await respond();
    } else {
      co_await send_content();
    }
  }
}

Task<void> Attempt::write_commands() {
  const std::string commands = client_.take_output();
  const auto written = co_await connection_->write(commands);
  if (!written) {
    co_await hear_why();
    lost(written.error());
  }
}

Task<void> Attempt::read_reply() {
  const auto count = co_await connection_->read_some(buffer_);
  if (count) {
    client_.feed(std::string_view(buffer_.data(), *count));
  } else {
    const base::Error error(count.error().kind,
                            fmt::format("lost the connection waiting for {}", mail::describe(client_.stage())));
    lost(error);
  }
}

Task<void> Attempt::start_tls() {
  auto context = settings_->client_tls;
  const std::string name = candidate_.host;
  const Certificate certificate = tls_.verify ? Certificate::verified : Certificate::any;
  const auto shaken = co_await connection_->start_tls(context, TlsRole::client, name, certificate);
  if (shaken) {
    client_.tls_started();
  } else {
    lost(shaken.error());
  }
}

Task<void> Attempt::respond() {
  if (!sasl_ || sasl_->mechanism() != client_.mechanism()) sasl_.emplace(*login_, client_.mechanism(), fresh_nonce());
  auto executor = services_.workers.get_executor();
  auto work = [this] { return sasl_->respond(client_.challenge()); };
  const auto response = co_await on(executor, services_.loop, work);
  if (response) {
    client_.respond(response->octets, response->is_last);
  } else {
    lost(response.error());
  }
}

/// A server that closes while we write has often said why.
Task<void> Attempt::hear_why() {
  deadline_.after(hearing_time);
  const auto count = co_await connection_->read_some(buffer_);
  if (!count) co_return;
  client_.feed(std::string_view(buffer_.data(), *count));
  client_.next();  // takes the replies in
}

Task<void> Attempt::quit() {
  client_.quit();
  client_.next();
  const std::string command = client_.take_output();
  deadline_.after(parting_time);
  co_await (connection_->write(command) || deadline_.expired());
  if (connection_->is_tls()) {
    deadline_.after(parting_time);
    co_await (connection_->shutdown() || deadline_.expired());
  }
}

bool Attempt::serves(const Settings& settings, std::string_view destination, mail::TlsWish wish) const {
  return tls_.serves(tls_policy(settings.config, destination, candidate_, wish)) &&
         login_ == login_for(settings, destination, candidate_);
}

}  // namespace relay::delivery
