// The receiver's conversation and its judgement of signatures.
#include "relay/playground/receiver.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "dkim/verifier.h"
#include "mail/header.h"
#include "mail/server_session.h"

namespace relay::playground {
namespace {

using base::Kind;
using base::Result;
using mail::EnhancedStatus;
using mail::Reply;
using namespace asio::experimental::awaitable_operators;

constexpr std::chrono::seconds slowness(20);
constexpr std::chrono::minutes patience(5);

Reply reply_to_recipient(const std::string& local_part) {
  if (local_part == "ok" || local_part == "slow" || local_part == "drop")
    return Reply(250, EnhancedStatus{2, 1, 5}, "recipient ok");
  if (local_part == "defer") return Reply(451, EnhancedStatus{4, 7, 1}, "greylisted, try again later");
  return Reply(550, EnhancedStatus{5, 1, 1}, "no such user here; try ok@, defer@, reject@, slow@ or drop@");
}

bool has_recipient(const mail::Envelope& envelope, std::string_view local_part) {
  for (const mail::Recipient& recipient : envelope.recipients) {
    if (recipient.mailbox.local_part() == local_part) return true;
  }
  return false;
}

/// One inbound conversation of the receiver.
class Visit {
 public:
  Visit(Executor loop, Socket socket) : connection_(std::move(socket)), loop_(loop), session_(options()), buffer_(16U << 10U) {}

  /// Until a message is complete (true) or the client is gone (false). A message with a drop@ recipient ends the visit.
  Task<bool> next_message(std::shared_ptr<TlsContext> tls) {
    for (;;) {
      const mail::Event event = session_.next();
      if (std::holds_alternative<mail::event::NeedInput>(event)) {
        const bool open = co_await exchange();
        if (!open) co_return false;
      } else if (std::holds_alternative<mail::event::Mail>(event)) {
        session_.reply(Reply(250, EnhancedStatus{2, 1, 0}, "sender ok"));
      } else if (const auto* rcpt_to = std::get_if<mail::event::Rcpt>(&event)) {
        session_.reply(reply_to_recipient(rcpt_to->mailbox.local_part()));
      } else if (std::holds_alternative<mail::event::BeginData>(event)) {
        text_.clear();
        session_.reply(Reply(354, "go on"));
      } else if (const auto* content = std::get_if<mail::event::Content>(&event)) {
        text_ += content->bytes;
      } else if (std::holds_alternative<mail::event::EndOfContent>(event)) {
        co_return !has_recipient(session_.envelope(), "drop");
      } else if (std::holds_alternative<mail::event::StartTls>(event)) {
        const bool shaken = co_await shake_hands(tls);
        if (!shaken) co_return false;
      } else {
        co_await exchange();
        co_return false;
      }
    }
  }

  Task<void> accept() {
    if (has_recipient(session_.envelope(), "slow")) {
      Timer pause(loop_, slowness);
      co_await pause.async_wait(as_result);
    }
    session_.reply(Reply(250, EnhancedStatus{2, 0, 0}, "taken"));
  }

  void greet() { session_.greet(); }
  const mail::Envelope& envelope() const { return session_.envelope(); }
  const std::string& text() const { return text_; }
  std::string tls_words() const { return connection_.tls_words(); }

 private:
  static mail::ServerOptions options() {
    mail::ServerOptions options;
    options.hostname = "mx.playground.example";
    options.offer_starttls = true;
    return options;
  }

  Task<bool> exchange() {
    const std::string output = session_.take_output();
    const auto written = co_await connection_.write(output);
    if (!written) co_return false;
    const auto count = co_await connection_.read_some(buffer_);
    if (!count) co_return false;
    session_.feed(std::string_view(buffer_.data(), *count));
    co_return true;
  }

  Task<bool> shake_hands(std::shared_ptr<TlsContext> tls) {
    const std::string output = session_.take_output();
    const auto written = co_await connection_.write(output);
    if (!written) co_return false;
    const auto shaken = co_await connection_.start_tls(tls, TlsRole::server, std::string());
    if (shaken) session_.tls_started(connection_.tls_words());
    co_return shaken.has_value();
  }

  Connection connection_;
  Executor loop_;
  mail::ServerSession session_;
  std::vector<char> buffer_;
  std::string text_;
};

DkimResult judge(const mail::Field& field, const dkim::Signature& signature, const mail::HeaderBlock& header,
                 std::string_view body, const Result<dns::Answer>& answer) {
  const std::string who = fmt::format("d={} s={}", signature.domain, signature.selector);
  if (!answer || answer->records.empty()) return {false, fmt::format("temperror ({} has no key record)", who)};
  const auto* record = std::get_if<std::string>(&answer->records.front());
  if (record == nullptr) return {false, "temperror"};
  const auto key = dkim::parse_key_record(*record, signature.algorithm);
  if (!key) return {false, fmt::format("permerror ({}: {})", who, key.error().words)};
  dkim::BodyHash hash(signature.canonicalization.body, signature.body_length);
  hash.update(header.held_back());
  hash.update(body);
  const auto checked = dkim::check_signature(field, signature, header, hash.finish(), *key);
  if (!checked) return {false, fmt::format("fail ({}: {})", who, checked.error().words)};
  return {true, fmt::format("pass ({} a={})", who, dkim::to_string(signature.algorithm))};
}

}  // namespace

Receiver::Receiver(Executor loop, Tasks& tasks, dns::Resolver& resolver, std::function<void(const Arrival&)> arrived)
    : loop_(loop), tasks_(tasks), resolver_(resolver), arrived_(std::move(arrived)), acceptor_(loop) {}

Result<void> Receiver::open(std::uint16_t port) {
  boost::system::error_code error;
  const asio::ip::tcp::endpoint loopback(asio::ip::address_v4::loopback(), port);
  acceptor_.open(loopback.protocol(), error);
  if (!error) acceptor_.bind(loopback, error);
  if (!error) acceptor_.listen(64, error);
  if (error) return base::fail(Kind::invalid, "the playground's receiver cannot listen: " + error.message());
  return {};
}

void Receiver::run(std::shared_ptr<TlsContext> tls) {
  tls_ = std::move(tls);
  tasks_.spawn(accept());
}

void Receiver::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

Task<void> Receiver::accept() {
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(loop_, as_result);
    if (error) co_return;
    tasks_.spawn(serve(std::move(socket)));
  }
}

Task<void> Receiver::serve(Socket socket) {
  Visit visit(loop_, std::move(socket));
  Deadline deadline(loop_);
  deadline.after(patience);
  visit.greet();
  for (;;) {
    const auto taken = co_await (visit.next_message(tls_) || deadline.expired());
    if (taken.index() == 1 || !std::get<0>(taken)) co_return;
    Arrival arrival;
    arrival.envelope = visit.envelope();  // the reply ends the transaction
    arrival.tls = visit.tls_words();
    arrival.text = visit.text();
    co_await visit.accept();
    arrival.dkim = co_await verify(arrival.text);
    arrived_(arrival);
  }
}

Task<std::vector<DkimResult>> Receiver::verify(const std::string& text) {
  mail::HeaderBlock header;
  const std::size_t head = header.feed(text);
  header.finish();
  std::vector<DkimResult> results;
  for (const mail::Field* field : header.find("DKIM-Signature")) {
    auto signature = dkim::Signature::parse(field->value);
    if (!signature) {
      results.push_back(DkimResult{false, fmt::format("permerror ({})", signature.error().words)});
      continue;
    }
    const std::string name = fmt::format("{}._domainkey.{}", signature->selector, signature->domain);
    auto start = [this, &name](std::move_only_function<void(Result<dns::Answer>)> done) {
      resolver_.query(name, dns::RecordType::txt, std::move(done));
    };
    const auto answer = co_await await_from_anywhere<Result<dns::Answer>>(loop_, start);
    results.push_back(judge(*field, *signature, header, std::string_view(text).substr(head), answer));
  }
  co_return results;
}

}  // namespace relay::playground
