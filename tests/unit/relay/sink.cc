// The receiver's conversation, one thread a connection.
#include "tests/unit/relay/sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "relay/tls.h"
#include "tests/unit/relay/folder.h"

namespace world {

Sink::Sink(std::string address, std::uint16_t port) : address_(std::move(address)) {
  listener_ = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  ::inet_pton(AF_INET, address_.c_str(), &place.sin_addr);
  socklen_t size = sizeof(place);
  auto* name = reinterpret_cast<sockaddr*>(&place);
  const bool open = ::bind(listener_.get(), name, size) == 0 && ::listen(listener_.get(), 128) == 0 &&
                    ::getsockname(listener_.get(), name, &size) == 0;
  if (!open) throw std::runtime_error("a sink cannot listen on " + address_);
  port_ = ntohs(place.sin_port);
  thread_ = std::thread([this] { accept(); });
}

Sink::~Sink() { end(); }

void Sink::end() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const Conversation& talk : talks_) talk.wire.shut_down();
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
  listener_ = base::Fd();
  for (Conversation& talk : talks_) talk.thread.join();
}

void Sink::script(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void Sink::offer_tls(Tls tls) {
  const std::lock_guard lock(mutex_);
  if (!certificate_) {
    const Folder folder;
    conf::Config config = conf::defaults();
    config.hostname = "mx.example.net";
    config.spool = folder.path();
    certificate_ = relay::make_server_tls(config, std::make_shared<relay::TicketKeys>()).value();
  }
  tls_ = tls;
}

std::string Sink::certificate() const {
  const std::lock_guard lock(mutex_);
  const auto* context = static_cast<const relay::TlsContext*>(certificate_.get());
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(bio.get(), SSL_CTX_get0_certificate(const_cast<relay::TlsContext*>(context)->native_handle()));
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

void Sink::offer(std::string keyword) {
  const std::lock_guard lock(mutex_);
  keywords_.push_back(std::move(keyword));
}

void Sink::offer_no_pipelining() {
  const std::lock_guard lock(mutex_);
  pipelining_ = false;
}

void Sink::wait_for_pipelined_data() {
  const std::lock_guard lock(mutex_);
  wait_for_data_ = true;
}

std::vector<Arrival> Sink::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

std::vector<std::string> Sink::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

std::size_t Sink::count_of(std::string_view beginning) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(commands_, [&](const std::string& line) { return line.starts_with(beginning); }));
}

std::size_t Sink::connections() const {
  const std::lock_guard lock(mutex_);
  return talks_.size();
}

bool Sink::receives(std::size_t messages) const {
  return eventually([&] { return arrivals().size() >= messages; });
}

void Sink::accept() {
  for (;;) {
    const int descriptor = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const std::lock_guard lock(mutex_);
    if (ended_) {
      ::close(descriptor);
      return;
    }
    Conversation& talk = talks_.emplace_back(descriptor);
    talk.said.connection = talks_.size();
    talk.thread = std::thread([this, &talk] { converse(talk); });
  }
}

void Sink::converse(Conversation& talk) {
  try {
    talk.said.verb = "greeting";
    bool implicit = false;
    {
      const std::lock_guard lock(mutex_);
      implicit = tls_ == Tls::implicit;
    }
    if (implicit) shake_hands(talk);
    if (answer(talk, "220 mx.example.net ESMTP")) {
      while (take_command(talk)) {
      }
    }
  } catch (const std::runtime_error&) {
    // The relay went away.
  }
  const std::lock_guard lock(mutex_);  // the destructor may be about to wake it
  talk.wire.close();
}

/// The reply that goes out, or nothing when the conversation ends without one.
std::optional<std::string> Sink::decide(Conversation& talk, std::string usual) {
  Script script;
  {
    const std::lock_guard lock(mutex_);
    script = script_;
  }
  talk.said.tls = talk.wire.is_tls();
  std::string reply = script ? script(talk.said).value_or(usual) : usual;
  if (reply == stall) talk.wire.reaches_end();
  if (reply == stall || reply == hang_up) return std::nullopt;
  return reply;
}

/// False when the conversation ends with it.
bool Sink::answer(Conversation& talk, std::string usual) {
  const auto reply = decide(talk, std::move(usual));
  if (!reply) return false;
  talk.wire.write(*reply + "\r\n");
  const bool taken = reply->starts_with('2') || reply->starts_with('3');
  if (talk.said.verb == "MAIL" && taken) {
    talk.arrival = Arrival();
    talk.arrival.mail = talk.said.line;
  }
  if (talk.said.verb == "RCPT" && taken) talk.arrival.rcpts.push_back(talk.said.line);
  if (talk.said.verb == "DATA" && taken) return take_content(talk);
  if (talk.said.verb == "STARTTLS" && taken) return shake_hands(talk);
  return !reply->starts_with("421") && talk.said.verb != "QUIT";
}

std::string Sink::ehlo_reply(const Conversation& talk) const {
  const std::lock_guard lock(mutex_);
  std::string reply = "250-mx.example.net\r\n";
  if (pipelining_) reply += "250-PIPELINING\r\n";
  for (const std::string& keyword : keywords_) reply += "250-" + keyword + "\r\n";
  if (tls_ != Tls::none && !talk.wire.is_tls()) reply += "250-STARTTLS\r\n";
  return reply + "250-ENHANCEDSTATUSCODES\r\n250 8BITMIME";
}

bool Sink::take_command(Conversation& talk) {
  const auto line = talk.wire.read_line();
  if (!line) return false;
  talk.said.line = *line;
  talk.said.verb = base::upper(line->substr(0, line->find(' ')));
  bool wait_for_data = false;
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(*line);
    wait_for_data = wait_for_data_;
  }
  if (talk.said.verb == "EHLO") return answer(talk, ehlo_reply(talk));
  if (talk.said.verb == "STARTTLS") return answer(talk, "220 2.0.0 go ahead");
  if (talk.said.verb == "DATA") return answer(talk, talk.arrival.rcpts.empty() ? "554 5.5.1 no recipients" : "354 go ahead");
  if (talk.said.verb == "BDAT") return take_chunk(talk);
  if (talk.said.verb == "QUIT") return answer(talk, "221 2.0.0 bye");
  if (talk.said.verb == "MAIL" && wait_for_data && !talk.wire.comes("DATA\r\n", patience)) return false;
  return answer(talk, "250 2.0.0 ok");
}

bool Sink::shake_hands(Conversation& talk) {
  std::shared_ptr<void> certificate;
  {
    const std::lock_guard lock(mutex_);
    if (tls_ == Tls::works || tls_ == Tls::implicit) certificate = certificate_;
  }
  if (!certificate) {
    talk.wire.comes("\x16", patience);  // the client's hello: what comes before it would be taken for an injection
    talk.wire.write("this is not TLS\r\n");
    talk.wire.reaches_end();
    return false;
  }
  talk.wire.start_tls_as_server(static_cast<relay::TlsContext*>(certificate.get())->native_handle());
  return true;
}

bool Sink::take_content(Conversation& talk) {
  auto content = talk.wire.read_content();
  if (!content) return false;
  talk.arrival.content = std::move(*content);
  talk.said.verb = "dot";
  talk.said.line = ".";
  {
    const std::lock_guard lock(mutex_);
    commands_.emplace_back(".");
  }
  return judge(talk);
}

/// "BDAT size LAST"
bool Sink::take_chunk(Conversation& talk) {
  auto content = talk.wire.read_octets(base::parse_number(base::words(talk.said.line).at(1)).value());
  if (!content) return false;
  talk.arrival.content = std::move(*content);
  return judge(talk);
}

/// The reply to the whole of a message.
bool Sink::judge(Conversation& talk) {
  const auto reply = decide(talk, "250 2.0.0 taken");
  if (!reply) return false;
  if (reply->starts_with('2')) {
    ++talk.said.message;
    talk.arrival.connection = talk.said.connection;
    talk.arrival.tls = talk.wire.is_tls();
    talk.arrival.peer = talk.wire.peer();
    talk.arrival.when = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(talk.arrival);
  }
  talk.wire.write(*reply + "\r\n");
  return !reply->starts_with("421");
}

}  // namespace world
