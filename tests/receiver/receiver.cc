// The receiver's conversation.
#include "tests/receiver/receiver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "tests/receiver/login.h"

namespace receiver {
namespace {

constexpr std::chrono::milliseconds between_drops(20);
constexpr int small_buffer = 4096;

Step step_of(const std::string& verb, bool tls) {
  if (verb == "EHLO") return tls ? Step::ehlo_tls : Step::ehlo;
  if (verb == "HELO") return Step::helo;
  if (verb == "STARTTLS") return Step::starttls;
  if (verb == "AUTH") return Step::auth;
  if (verb == "MAIL") return Step::mail;
  if (verb == "RCPT") return Step::rcpt;
  if (verb == "DATA") return Step::data;
  if (verb == "BDAT") return Step::bdat;
  return verb == "QUIT" ? Step::quit : Step::rset;
}

bool is_refusal(const std::string& words) { return words.starts_with('4') || words.starts_with('5'); }
bool is_taken(const std::string& words) { return words.starts_with('2') || words.starts_with('3'); }

}  // namespace

Character doing(std::vector<Deed> deeds) {
  return [deeds = std::move(deeds)](const Moment& moment) mutable -> std::optional<Deed> {
    const auto fits = [&](const Deed& deed) { return deed.at == moment.step && deed.times > 0 && moment.messages >= deed.after; };
    const auto deed = std::ranges::find_if(deeds, fits);
    if (deed == deeds.end()) return std::nullopt;
    if (deed->times != always) --deed->times;
    return *deed;
  };
}

bool may_listen_at_465() {
  const base::Fd door(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(465);
  ::inet_pton(AF_INET, "127.0.4.65", &at.sin_addr);
  return ::bind(door.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0;
}

Receiver::Receiver(Character character, std::string offers, TlsServer tls, Place place)
    : character_(std::move(character)), offers_(std::move(offers)), tls_(std::move(tls)), implicit_tls_(place.implicit_tls) {
  listen(place);
  if (place.door == Door::opens) thread_ = std::thread([this] { accept(); });
}

Receiver::~Receiver() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const Talk& talk : talks_) talk.wire.shut_down();
  }
  ends_.notify_all();
  ::shutdown(listener_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  for (Talk& talk : talks_) talk.thread.join();
}

std::vector<Arrival> Receiver::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

std::size_t Receiver::arrived() const {
  const std::lock_guard lock(mutex_);
  return arrivals_.size();
}

std::size_t Receiver::connections() const {
  const std::lock_guard lock(mutex_);
  return talks_.size();
}

std::vector<std::string> Receiver::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

/// A port stays ours also when nobody listens at it.
void Receiver::listen(const Place& place) {
  listener_ = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &small_buffer, sizeof(small_buffer));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(place.port);
  ::inet_pton(AF_INET, place.address.c_str(), &at.sin_addr);
  socklen_t size = sizeof(at);
  auto* name = reinterpret_cast<sockaddr*>(&at);
  bool open = ::bind(listener_.get(), name, size) == 0 && ::getsockname(listener_.get(), name, &size) == 0;
  port_ = ntohs(at.sin_port);
  if (place.door != Door::refuses) open = open && ::listen(listener_.get(), place.door == Door::stalls ? 0 : 128) == 0;
  if (!open) throw std::runtime_error(fmt::format("a receiver cannot listen on {}:{}", place.address, place.port));
  if (place.door == Door::stalls) stay_shut();
}

/// A full queue of connections that nobody accepts: the system drops what else comes.
void Receiver::stay_shut() {
  sockaddr_in at{};
  socklen_t size = sizeof(at);
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size);
  for (int i = 0; i < 3; ++i) {
    crowd_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(crowd_.back().get(), reinterpret_cast<const sockaddr*>(&at), size);
  }
}

void Receiver::accept() {
  for (;;) {
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    if (ended_) {
      ::close(socket);
      return;
    }
    Talk& talk = talks_.emplace_back(socket);
    talk.moment.connection = talks_.size();
    ++open_;
    talk.thread = std::thread([this, &talk] { converse(talk); });
  }
}

void Receiver::converse(Talk& talk) {
  try {
    if ((!implicit_tls_ || shake_hands(talk)) && answer(talk, Step::greeting, "220 mx.example ESMTP")) {
      while (take_command(talk)) {
      }
    }
  } catch (const std::runtime_error&) {
    // The other side went away.
  }
  const std::lock_guard lock(mutex_);  // the destructor may be about to wake it
  --open_;
  talk.wire.close();
}

std::optional<Deed> Receiver::ask(Talk& talk, Step step) {
  const std::lock_guard lock(mutex_);
  talk.moment.step = step;
  talk.moment.open = open_;
  talk.moment.tls = talk.wire.is_tls();
  return character_(talk.moment);
}

/// False when the conversation ends with it.
bool Receiver::answer(Talk& talk, Step step, const std::string& usual) {
  const auto deed = ask(talk, step);
  return perform(talk, deed ? *deed : says(step, usual));
}

bool Receiver::perform(Talk& talk, const Deed& deed) {
  talk.reply = deed.words;
  if (deed.does == Does::drips) {
    drip(talk, deed.words);
  } else {
    talk.wire.write(deed.words);
  }
  switch (deed.does) {
    case Does::says:
    case Does::drips: return !deed.words.starts_with("421");
    case Does::closes: ::shutdown(talk.descriptor, SHUT_WR); break;
    case Does::resets: {
      const linger at_once{1, 0};
      ::setsockopt(talk.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      return false;
    }
    case Does::stalls: break;
    case Does::freezes: wait(world::patience); return false;
    case Does::floods:
      for (;;) talk.wire.write(deed.words);  // throws when the other side has gone
  }
  talk.wire.reaches_end();
  return false;
}

void Receiver::drip(Talk& talk, const std::string& words) {
  for (const char& octet : words) {
    talk.wire.write(std::string_view(&octet, 1));
    wait(between_drops);
  }
}

void Receiver::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  ends_.wait_for(lock, time, [this] { return ended_; });
}

std::string Receiver::ehlo_reply(bool tls) const {
  std::string reply = "250-mx.example";
  for (const std::string_view word : base::split(offers_, ' ')) {
    std::string keyword(word);
    std::ranges::replace(keyword, '_', ' ');
    reply += "\r\n250-" + keyword;
  }
  if (tls_ && !tls) reply += "\r\n250-STARTTLS";
  return reply + "\r\n250 HELP";
}

bool Receiver::take_command(Talk& talk) {
  const auto line = talk.wire.read_line();
  if (!line) return false;
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(*line);
  }
  talk.moment.line = *line;
  const std::string verb = base::upper(line->substr(0, line->find(' ')));
  const Step step = step_of(verb, talk.wire.is_tls());
  switch (step) {
    case Step::ehlo:
    case Step::ehlo_tls: return answer(talk, step, ehlo_reply(talk.wire.is_tls()));
    case Step::starttls: return answer(talk, step, "220 2.0.0 go ahead") && (!is_taken(talk.reply) || shake_hands(talk));
    case Step::quit: answer(talk, step, "221 2.0.0 bye"); return false;
    case Step::auth: return take_login(talk);
    case Step::mail:
    case Step::rcpt:
    case Step::data: return take_envelope(talk, verb);
    case Step::helo: return answer(talk, step, "250 mx.example");
    case Step::bdat: return take_chunk(talk);
    default: return answer(talk, step, verb == "RSET" || verb == "NOOP" ? "250 2.0.0 ok" : "500 5.5.2 what");
  }
}

/// AUTH and the lines of its exchange.
bool Receiver::take_login(Talk& talk) {
  Login login;
  std::string line = talk.moment.line;
  for (Step step = Step::auth;; step = Step::auth_response) {
    if (!answer(talk, step, login.reply_to(line))) return false;
    if (!talk.reply.starts_with("334")) return true;
    const auto next = talk.wire.read_line();
    if (!next) return false;
    line = *next;
  }
}

bool Receiver::take_envelope(Talk& talk, const std::string& verb) {
  if (verb == "MAIL") {
    talk.arrival = Arrival();
    const bool goes_on = answer(talk, Step::mail, "250 2.1.0 ok");
    if (is_taken(talk.reply)) talk.arrival.mail = talk.moment.line;
    return goes_on;
  }
  if (verb == "RCPT") {
    const bool goes_on = answer(talk, Step::rcpt, talk.arrival.mail.empty() ? "503 5.5.1 MAIL first" : "250 2.1.5 ok");
    if (is_taken(talk.reply)) talk.arrival.rcpts.push_back(talk.moment.line);
    return goes_on;
  }
  const bool goes_on = answer(talk, Step::data, talk.arrival.rcpts.empty() ? "554 5.5.1 no recipients" : "354 go ahead");
  return goes_on && (!talk.reply.starts_with('3') || take_content(talk));
}

bool Receiver::shake_hands(Talk& talk) {
  if (const auto deed = ask(talk, Step::handshake)) {
    talk.wire.comes("\x16", world::patience);  // the client's hello: what comes before it would be taken for an injection
    perform(talk, *deed);
    talk.wire.reaches_end();
    return false;
  }
  talk.wire.start_tls_as_server(tls_.get());
  return true;
}

bool Receiver::take_content(Talk& talk) {
  if (const auto deed = ask(talk, Step::content)) {
    talk.wire.comes("\r\n", world::patience);
    if (!perform(talk, *deed)) return false;
    if (is_refusal(talk.reply)) return talk.wire.read_content().has_value();  // the rest is thrown away without a word
  }
  auto content = talk.wire.read_content();
  if (!content) return false;
  talk.arrival.content = std::move(*content);
  return take_message(talk);
}

/// "BDAT 1000 LAST" and its octets, of which every line ends with CR LF.
bool Receiver::take_chunk(Talk& talk) {
  if (const auto deed = ask(talk, Step::bdat)) return perform(talk, *deed);
  const auto words = base::words(talk.moment.line);
  std::size_t left = static_cast<std::size_t>(base::parse_number(words.at(1)).value());
  while (left > 0) {
    const auto line = talk.wire.read_line();
    if (!line || line->size() + 2 > left) return false;
    talk.arrival.content += *line + "\r\n";
    left -= line->size() + 2;
  }
  if (talk.arrival.rcpts.empty()) return answer(talk, Step::rset, "503 5.5.1 no recipients");
  if (words.size() < 3) return answer(talk, Step::rset, "250 2.0.0 more");
  return take_message(talk);
}

/// All of it is here.
bool Receiver::take_message(Talk& talk) {
  talk.arrival.tls = talk.wire.is_tls();
  talk.arrival.when = std::chrono::steady_clock::now();
  const auto deed = ask(talk, Step::dot);
  if (!deed || !is_refusal(deed->words)) {
    ++talk.moment.messages;
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(talk.arrival);
  }
  talk.arrival.rcpts.clear();
  return perform(talk, deed ? *deed : says(Step::dot, "250 2.0.0 taken"));
}

}  // namespace receiver
