// Plays tests/transcripts/server into ServerSession: whole, octet by octet, and cut once at every octet.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "mail/server_session.h"
#include "tests/catch.h"
#include "tests/unit/mail/transcript.h"

namespace {

using mail::Reply;
using mail::ServerSession;
using transcript::Cut;
using transcript::Script;
using transcript::Step;

/// What the world saw of a play; two plays of a file must be equal.
struct Played {
  std::vector<std::string> outputs;  ///< one for each step of the server, and what came after the last
  std::vector<std::string> events;
  std::string envelope;  ///< of the last message whose content ended
  bool closed = false;
  std::size_t most_buffered = 0;

  bool operator==(const Played& other) const {
    return outputs == other.outputs && events == other.events && envelope == other.envelope && closed == other.closed;
  }
};

std::string path(const std::string& text) { return "<" + text + ">"; }

mail::ServerOptions read_options(const Script& script) {
  mail::ServerOptions options;
  options.hostname = "mx.example.com";
  for (const Step& step : script.steps) {
    if (step.name != "config:") continue;
    for (const std::string_view setting : base::words(step.argument)) {
      const std::size_t equal = setting.find('=');
      const std::string_view key = setting.substr(0, equal);
      const std::string_view value = setting.substr(equal + 1);
      if (key == "message_size") options.message_size = base::parse_number(value).value();
      if (key == "recipients") options.recipients = base::parse_number(value).value();
      if (key == "bare_newline" && value == "reject") options.bare_newline = mail::BareNewline::reject;
      if (key == "starttls") options.offer_starttls = value == "true";
      if (key == "require_tls") options.require_tls = value == "true";
      if (key == "xclient") options.offer_xclient = value == "true";
      if (key == "auth") {
        for (const std::string_view mechanism : base::split(value, ',')) options.auth.emplace_back(mechanism);
      }
    }
  }
  return options;
}

/// The relay behind the session: takes everything but what the script says otherwise.
class Relay {
 public:
  explicit Relay(const Script& script) {
    for (const Step& step : script.steps) {
      const std::vector<std::string_view> words = base::words(step.argument);
      if (step.name == "rewrite") rewritten_[std::string(words.at(1))] = mail::Mailbox::parse(words.at(2)).value();
      if (step.name != "reject") continue;
      const bool rcpt = words.at(0) == "rcpt";
      const std::string key = rcpt ? fmt::format("rcpt {}", words.at(1)) : std::string(words.at(0));
      refused_[key] = transcript::parse_reply(std::string_view(step.argument).substr(key.size() + 1));
    }
  }

  Reply answer(const std::string& key, Reply otherwise) const {
    const auto refusal = refused_.find(key);
    return refusal == refused_.end() ? otherwise : refusal->second;
  }
  void rewrite(ServerSession& session, const mail::Mailbox& mailbox) const {
    const auto other = rewritten_.find(base::lower(mailbox.to_string()));
    if (other != rewritten_.end()) session.accept_recipient(other->second);
  }

 private:
  std::map<std::string, Reply> refused_;
  std::map<std::string, mail::Mailbox> rewritten_;
};

class Player {
 public:
  Player(const Script& script, Cut cut) : script_(script), cut_(cut), relay_(script), session_(read_options(script)) {}

  Played play() {
    session_.greet();
    drain();
    for (const Step& step : script_.steps) {
      if (step.kind == Step::Kind::client) send(step.octets);
      if (step.kind == Step::Kind::server) played_.outputs.push_back(std::exchange(output_, {}));
      if (step.name == "shutdown") session_.close(transcript::parse_reply(step.argument));
      if (step.name == "tls") {
        REQUIRE(std::holds_alternative<mail::event::StartTls>(session_.next()));
        session_.tls_started("TLSv1.3");
      }
      drain();
    }
    flush_content();
    played_.outputs.push_back(output_);
    return played_;
  }

 private:
  void send(std::string_view octets) {
    for (const std::string_view piece : transcript::pieces(octets, sent_, cut_)) {
      session_.feed(piece);
      drain();
    }
    sent_ += octets.size();
  }

  void drain() {
    while (step()) {
    }
    output_ += session_.take_output();
    if (!session_.taking_content()) content_.clear();
    played_.most_buffered = std::max(played_.most_buffered, session_.buffered());
  }

  /// One event; false when the session wants something of the client.
  bool step() {
    mail::Event event = session_.next();
    if (const auto* content = std::get_if<mail::event::Content>(&event)) {
      REQUIRE(!content->bytes.empty());
      content_ += content->bytes;
      return true;
    }
    if (const auto* from = std::get_if<mail::event::Mail>(&event)) {
      session_.reply(relay_.answer("mail", Reply(250, {2, 1, 0}, "ok")));
      const bool eight_bit = session_.envelope().body == mail::BodyType::eight_bit;
      note("mail " + path(from->reverse_path.to_string()) + (eight_bit ? " 8bit" : ""));
      return true;
    }
    if (const auto* to = std::get_if<mail::event::Rcpt>(&event)) {
      note("rcpt " + path(to->mailbox.to_string()));
      relay_.rewrite(session_, to->mailbox);
      session_.reply(relay_.answer("rcpt " + to->mailbox.to_string(), Reply(250, {2, 1, 5}, "ok")));
      return true;
    }
    if (std::holds_alternative<mail::event::BeginData>(event)) {
      note("data");
      session_.reply(relay_.answer("data", Reply(354, "go ahead")));
      return true;
    }
    if (std::holds_alternative<mail::event::EndOfContent>(event)) return end_of_content();
    if (const auto* xclient = std::get_if<mail::event::Xclient>(&event)) return replace_client(xclient->client);
    if (const auto* auth = std::get_if<mail::event::Auth>(&event)) {
      note(fmt::format("auth {}{}", auth->mechanism, auth->initial ? fmt::format(" {}", *auth->initial) : ""));
      mechanism_ = auth->mechanism;
      return authenticate(auth->initial);
    }
    if (const auto* response = std::get_if<mail::event::AuthResponse>(&event)) {
      note(fmt::format("response {}", response->octets));
      return authenticate(response->octets);
    }
    played_.closed = std::holds_alternative<mail::event::Close>(event);
    return false;
  }

  /// Asks for what LOGIN asks for, for one response with the others; takes "alice", or whatever has "open sesame" in it.
  bool authenticate(const std::optional<std::string>& octets) {
    if (!octets) {
      session_.challenge(mechanism_ == "LOGIN" ? "Username:" : "");
    } else if (mechanism_ == "LOGIN" && *octets == "alice") {
      session_.challenge("Password:");
    } else if (octets->find("open sesame") != std::string::npos) {
      session_.client().user = "alice";
      session_.reply(Reply(235, {2, 7, 0}, "welcome"));
    } else {
      session_.reply(relay_.answer("auth", Reply(535, {5, 7, 8}, "no")));
    }
    return true;
  }

  bool replace_client(const mail::command::Xclient& client) {
    std::string words = "xclient";
    const auto add = [&](std::string_view name, const std::optional<std::string>& value) {
      if (value) words += fmt::format(" {}={}", name, *value);
    };
    add("name", client.name);
    add("address", client.address);
    add("port", client.port);
    add("proto", client.proto);
    add("helo", client.helo);
    add("login", client.login);
    note(words);
    session_.reply(relay_.answer("xclient", Reply(220, "mx.example.com ESMTP")));
    return true;
  }

  bool end_of_content() {
    note("end");
    const mail::Envelope& envelope = session_.envelope();
    played_.envelope = path(envelope.reverse_path.to_string());
    if (envelope.utf8 != mail::SmtpUtf8::absent) played_.envelope += " SMTPUTF8";
    if (envelope.tls == mail::TlsWish::required) played_.envelope += " REQUIRETLS";
    if (envelope.tls == mail::TlsWish::preferred) played_.envelope += " REQUIRETLS-where-it-can-be";
    if (envelope.ret == mail::Return::full) played_.envelope += " RET=FULL";
    if (envelope.ret == mail::Return::headers) played_.envelope += " RET=HDRS";
    if (!envelope.envid.empty()) played_.envelope += " ENVID=" + envelope.envid;
    for (const mail::Recipient& recipient : envelope.recipients) {
      played_.envelope += " " + path(recipient.mailbox.to_string());
      if (recipient.notify.is_given()) played_.envelope += " NOTIFY=" + recipient.notify.to_string();
      if (!recipient.orcpt.empty()) played_.envelope += " ORCPT=" + recipient.orcpt;
    }
    session_.reply(relay_.answer("content", Reply(250, {2, 0, 0}, "queued")));
    return true;
  }

  /// Content that is followed by anything but its end was refused inside, sooner or later as its pieces came.
  void note(std::string event) {
    if (event != "end") content_.clear();
    flush_content();
    played_.events.push_back(std::move(event));
  }
  void flush_content() {
    if (!content_.empty()) played_.events.push_back("content " + std::exchange(content_, {}));
  }

  const Script& script_;
  Cut cut_;
  Relay relay_;
  ServerSession session_;
  Played played_;
  std::string output_;
  std::string content_;
  std::string mechanism_;
  std::size_t sent_ = 0;
};

/// What of `output` does not fit the patterns, as words; empty: all is well.
std::string mismatch(const std::vector<std::string>& patterns, std::string_view output) {
  std::vector<std::string_view> lines = base::split(output, '\n');
  if (!lines.back().empty()) return "the last line has no end";
  lines.pop_back();
  std::size_t at = 0;
  for (const std::string_view pattern : patterns) {
    const std::string_view code = pattern.substr(0, 3);
    const bool whole_reply = pattern.size() == 4 && pattern.back() == '*';
    bool more = true;
    while (more) {
      if (at == lines.size()) return fmt::format("nothing came for \"{}\"", pattern);
      std::string_view line = lines[at++];
      if (!line.ends_with('\r')) return "a line ends without CR";
      line.remove_suffix(1);
      more = whole_reply && line.starts_with(code) && line.substr(3, 1) == "-";
      const bool fits = whole_reply ? line.starts_with(code) : transcript::matches(pattern, line);
      if (!fits) return fmt::format("\"{}\" came for \"{}\"", transcript::escape(line), pattern);
    }
  }
  return at == lines.size() ? "" : fmt::format("\"{}\" came unexpected", transcript::escape(lines[at]));
}

std::string kind(const std::string& event) { return event.substr(0, event.find(' ')); }

void check_events(const Script& script, const Played& played) {
  std::vector<std::string> expected;
  bool told = false;
  for (const Step& step : script.steps) {
    if (step.name == "events") {
      std::string kinds;
      for (const std::string& event : played.events) kinds += (kinds.empty() ? "" : " ") + kind(event);
      CHECK(kinds == step.argument);
    }
    if (step.name == "envelope") CHECK(played.envelope == step.argument);
    if (step.name != "E:") continue;
    told = true;
    if (!step.argument.empty()) expected.push_back(transcript::unescape(step.argument));
  }
  if (told) CHECK(played.events == expected);
}

void check_words(const Script& script, const Played& played) {
  std::size_t at = 0;
  bool closed = false;
  for (const Step& step : script.steps) {
    closed = closed || step.name == "closed";
    if (step.kind != Step::Kind::server) continue;
    INFO("line " << step.line);
    CHECK(mismatch(step.patterns, played.outputs.at(at++)) == "");
  }
  CHECK(transcript::escape(played.outputs.back()).empty());
  CHECK(played.closed == closed);
}

void check_names(const Script& script) {
  static const std::vector<std::string_view> known{"",       "config:", "tls",      "hangup",   "closed", "reject",
                                                   "events", "rewrite", "shutdown", "envelope", "E:"};
  for (const Step& step : script.steps) {
    INFO("line " << step.line << ": " << step.name);
    CHECK(std::ranges::find(known, step.name) != known.end());
  }
}

bool asks_for_passwords(const Script& script) { return !read_options(script).auth.empty(); }

std::size_t octets_of_client(const Script& script) {
  std::size_t octets = 0;
  for (const Step& step : script.steps) octets += step.kind == Step::Kind::client ? step.octets.size() : 0;
  return octets;
}

}  // namespace

TEST_CASE("the server says what its transcripts say") {
  const std::vector<Script> scripts = transcript::load_all("server");
  CHECK(scripts.size() >= 200);
  for (const Script& script : scripts) {
    INFO(script.name);
    check_names(script);
    const Played played = Player(script, Cut()).play();
    check_words(script, played);
    check_events(script, played);
  }
}

TEST_CASE("the server does not care where its input is cut") {
  for (const Script& script : transcript::load_all("server")) {
    INFO(script.name);
    const Played whole = Player(script, Cut()).play();
    const Played crumbs = Player(script, Cut{Cut::everywhere}).play();
    CHECK(crumbs == whole);
    CHECK(crumbs.most_buffered < (asks_for_passwords(script) ? ServerSession::max_auth_line : ServerSession::max_line));
    bool same = true;
    for (std::size_t at = 1; same && at < octets_of_client(script); ++at) {
      same = Player(script, Cut{at}).play() == whole;
      INFO("cut at " << at);
      CHECK(same);
    }
  }
}
