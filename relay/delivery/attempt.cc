// A connection outwards, driven by what ClientSession says comes next.
#include "relay/delivery/attempt.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "queue/content_file.h"
#include "relay/own_addresses.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t reply_size = 4096;
constexpr std::size_t file_piece = 64U << 10U;
constexpr std::chrono::seconds parting_time(2);
constexpr std::chrono::seconds hearing_time(5);

std::optional<base::IpAddress> source_for(const conf::Config& config, const base::IpAddress& target) {
  const std::string& bound = target.is_v6() ? config.delivery.bind_ipv6 : config.delivery.bind_ipv4;
  if (bound.empty()) return std::nullopt;
  auto address = base::IpAddress::parse(bound);
  if (!address) return std::nullopt;  // the configuration has checked it
  return *address;
}

}  // namespace

queue::Outcome Failure::outcome(queue::MoreHosts more_hosts) const {
  return reply ? queue::classify(stage, *reply, more_hosts) : queue::classify(stage, *error, more_hosts);
}

std::string Failure::words() const { return reply ? reply->to_string() : error->words; }

Attempt::Attempt(Services& services, std::shared_ptr<const Settings> settings, dns::Candidate candidate, mail::TlsUse tls)
    : services_(services),
      settings_(std::move(settings)),
      candidate_(std::move(candidate)),
      tls_(tls),
      connection_(Socket(services.loop)),
      deadline_(services.loop),
      client_(settings_->config.hostname, tls),
      buffer_(reply_size) {
  ++services_.statistics.connections_out;
  ++services_.statistics.connections_out_all;
}

Attempt::~Attempt() {
  connection_.close();
  --services_.statistics.connections_out;
}

Task<std::optional<Failure>> Attempt::open() {
  auto work = connect_and_drive();
  return within_deadline(std::move(work));
}

Task<std::optional<Failure>> Attempt::send(mail::Transaction transaction, std::shared_ptr<const queue::Message> message) {
  message_ = std::move(message);
  client_.begin(std::move(transaction));
  auto work = drive();
  auto failure = co_await within_deadline(std::move(work));
  if (!failure) ++transactions_;
  co_return failure;
}

Task<std::optional<Failure>> Attempt::ask_about(mail::Mailbox recipient) {
  client_.ask_about(std::move(recipient));
  auto work = drive();
  return within_deadline(std::move(work));
}

Task<std::optional<Failure>> Attempt::within_deadline(Task<void> work) {
  const auto ended = co_await (std::move(work) || deadline_.expired());
  if (ended.index() == 1) {
    const mail::Stage stage = connected_ ? client_.stage() : mail::Stage::connect;
    failed_in_tls_ = stage == mail::Stage::handshake;
    lost(base::Error(Kind::timeout, fmt::format("timed out waiting for {}", mail::describe(stage))));
  }
  co_return failure();
}

std::optional<Failure> Attempt::failure() const {
  if (!connected_ && lost_) return Failure(mail::Stage::connect, *lost_);
  const auto& ended = client_.failure();
  if (!ended) return std::nullopt;
  if (ended->reply) return Failure(ended->stage, *ended->reply);
  return Failure(ended->stage, lost_ ? *lost_ : base::Error(Kind::closed, ended->words));
}

void Attempt::lost(const base::Error& error) {
  lost_ = error;
  client_.connection_lost(error.words);
}

Task<void> Attempt::connect_and_drive() {
  if (is_own_door(settings_->config, candidate_.address, candidate_.port)) {
    lost(base::Error(Kind::closed, "this host is the relay itself: mail would go in a circle"));
    co_return;
  }
  deadline_.after(mail::time_limit(mail::Stage::connect));
  const auto source = source_for(settings_->config, candidate_.address);
  const auto connected = co_await connection_.connect(candidate_.address, candidate_.port, source);
  if (!connected) {
    lost(connected.error());
    co_return;
  }
  connected_ = true;
  co_await drive();
}

Task<void> Attempt::drive() {
  for (;;) {
    const mail::Action action = client_.next();
    if (std::holds_alternative<mail::action::Ready>(action) || std::holds_alternative<mail::action::Done>(action)) co_return;
    deadline_.after(mail::time_limit(client_.stage()));
    if (std::holds_alternative<mail::action::Write>(action)) {
      co_await write_commands();
    } else if (std::holds_alternative<mail::action::Read>(action)) {
      co_await read_reply();
    } else if (std::holds_alternative<mail::action::StartTls>(action)) {
      co_await start_tls();
    } else {
      co_await send_content();
    }
  }
}

Task<void> Attempt::write_commands() {
  const std::string commands = client_.take_output();
  const auto written = co_await connection_.write(commands);
  if (!written) {
    co_await hear_why();
    lost(written.error());
  }
}

Task<void> Attempt::read_reply() {
  const auto count = co_await connection_.read_some(buffer_);
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
  const auto shaken = co_await connection_.start_tls(context, TlsRole::client, name);
  if (shaken) {
    client_.tls_started();
  } else {
    failed_in_tls_ = true;
    lost(shaken.error());
  }
}

Task<void> Attempt::send_content() {
  stuffer_ = mail::DotStuffer();
  stuffed_.clear();
  stuffer_.append(message_->prefix, stuffed_);
  Result<void> sent;
  if (message_->content.is_file()) {
    sent = co_await send_file();
  } else {
    stuffer_.append(message_->content.octets(), stuffed_);
  }
  if (sent) {
    stuffer_.finish(stuffed_);
    sent = co_await connection_.write(stuffed_);
  }
  stuffed_.clear();
  if (sent) {
    client_.content_sent();
  } else {
    const bool is_ours = sent.error().kind == Kind::storage || sent.error().kind == Kind::damaged;
    if (!is_ours) co_await hear_why();
    lost(sent.error());
  }
}

/// Without the final dot. Damage is seen before it: a message that is not what was accepted is never completed.
Task<Result<void>> Attempt::send_file() {
  auto reader = queue::ContentReader::open(message_->content);
  if (!reader) co_return std::unexpected(reader.error());
  std::uint32_t crc = queue::crc32(0, message_->prefix);
  std::string piece(file_piece, '\0');
  auto executor = services_.workers.get_executor();
  for (;;) {
    auto work = [&reader, &piece, &crc] {
      auto count = reader->read(piece);
      if (count) crc = queue::crc32(crc, std::string_view(piece).substr(0, *count));
      return count;
    };
    const auto count = co_await on(executor, services_.loop, work);
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) break;
    deadline_.after(mail::time_limit(mail::Stage::content));
    const std::string_view octets = std::string_view(piece).substr(0, *count);
    const auto sent = co_await send_piece(octets);
    if (!sent) co_return std::unexpected(sent.error());
  }
  if (crc != message_->crc) {
    co_return base::fail(Kind::damaged,
                         fmt::format("the content file {} is damaged: its CRC is wrong", message_->content.path()));
  }
  co_return Result<void>();
}

Task<Result<void>> Attempt::send_piece(std::string_view piece) {
  stuffer_.append(piece, stuffed_);
  auto sent = co_await connection_.write(stuffed_);
  stuffed_.clear();
  co_return sent;
}

/// A server that closes while we write has often said why.
Task<void> Attempt::hear_why() {
  deadline_.after(hearing_time);
  const auto count = co_await connection_.read_some(buffer_);
  if (!count) co_return;
  client_.feed(std::string_view(buffer_.data(), *count));
  client_.next();  // takes the replies in
}

Task<void> Attempt::quit() {
  client_.quit();
  client_.next();
  const std::string command = client_.take_output();
  deadline_.after(parting_time);
  co_await (connection_.write(command) || deadline_.expired());
  if (connection_.is_tls()) {
    deadline_.after(parting_time);
    co_await (connection_.shutdown() || deadline_.expired());
  }
}

}  // namespace relay::delivery
