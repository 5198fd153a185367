// Plays tests/transcripts/client into ClientSession: whole, cut at every octet, and with the connection lost at every step.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "mail/client_session.h"
#include "tests/catch.h"
#include "tests/unit/mail/transcript.h"

namespace {

using mail::ClientSession;
using mail::Stage;
using transcript::Cut;
using transcript::Script;
using transcript::Step;
namespace action = mail::action;

constexpr std::string_view lost_words = "connection closed";

Stage stage_named(std::string_view name) {
  static const std::map<std::string_view, Stage> stages{{"greeting", Stage::greeting},
                                                        {"ehlo", Stage::ehlo},
                                                        {"starttls", Stage::starttls},
                                                        {"handshake", Stage::handshake},
                                                        {"ehlo_after_tls", Stage::ehlo_after_tls},
                                                        {"auth", Stage::auth},
                                                        {"mail", Stage::mail},
                                                        {"rcpt", Stage::rcpt},
                                                        {"data", Stage::data},
                                                        {"content", Stage::content},
                                                        {"final_dot", Stage::final_dot}};
  return stages.at(name);
}

mail::SessionOptions read_options(const Script& script) {
  mail::SessionOptions options;
  for (const Step& step : script.steps) {
    if (step.name != "config:") continue;
    for (const std::string_view word : base::words(step.argument)) {
      if (word == "tls=never") options.tls = mail::TlsUse::never;
      if (word == "tls=required") options.tls = mail::TlsUse::required;
      if (word == "tls=implicit") options.implicit_tls = true;
      if (word == "auth") options.authenticate = true;
      if (word == "requiretls") options.requiretls = true;
      if (word == "no-chunking") options.chunking = false;
    }
  }
  return options;
}

/// "<a b>" at the start of `text`, without the brackets; `text` then stands behind it.
std::string take_path(std::string_view& text) {
  const std::size_t end = text.find('>');
  std::string path(text.substr(1, end - 1));
  text = base::trim(text.substr(end + 1));
  return path;
}

/// "<mailbox> NOTIFY=... ORCPT=..." at the start of `text`, which then stands behind it.
mail::Recipient take_recipient(std::string_view& text) {
  mail::Recipient recipient(mail::Mailbox::parse(take_path(text)).value());
  while (text.starts_with("NOTIFY=") || text.starts_with("ORCPT=")) {
    const std::string_view word = text.substr(0, text.find(' '));
    text = base::trim(text.substr(word.size()));
    if (word.starts_with("ORCPT=")) recipient.orcpt = word.substr(6);
    if (word == "NOTIFY=NEVER") recipient.notify = mail::Notify(mail::Notify::never);
    if (word == "NOTIFY=SUCCESS,FAILURE") recipient.notify = mail::Notify(mail::Notify::success | mail::Notify::failure);
    if (word == "NOTIFY=DELAY") recipient.notify = mail::Notify(mail::Notify::delay);
  }
  return recipient;
}

mail::Transaction read_transaction(std::string_view text) {
  mail::Transaction transaction;
  transaction.reverse_path = mail::ReversePath::parse(take_path(text)).value();
  while (text.starts_with('<')) transaction.recipients.push_back(take_recipient(text));
  for (const std::string_view word : base::words(text)) {
    if (word.starts_with("size=")) transaction.size = base::parse_number(word.substr(5)).value();
    if (word == "SMTPUTF8") transaction.utf8 = mail::SmtpUtf8::given;
    if (word == "REQUIRETLS") transaction.tls = mail::TlsWish::required;
    if (word == "REQUIRETLS-where-it-can-be") transaction.tls = mail::TlsWish::preferred;
    if (word == "utf8-header") transaction.utf8 = mail::SmtpUtf8::needed;
    if (word == "8bit") transaction.body = mail::BodyType::eight_bit;
    if (word == "RET=FULL") transaction.ret = mail::Return::full;
    if (word == "RET=HDRS") transaction.ret = mail::Return::headers;
    if (word.starts_with("ENVID=")) transaction.envid = word.substr(6);
  }
  return transaction;
}

/// One play. The first thing that is not as the script says ends it and stands in trouble().
class Player {
 public:
  Player(const Script& script, Cut cut) : script_(script), cut_(cut), session_("relay.example.com", read_options(script)) {}

  const std::string& trouble() const { return trouble_; }
  std::size_t fed() const { return fed_; }

  void play_all() {
    for (const Step& step : script_.steps) play(step);
  }

  /// The steps before number `end`, half of that one if it is the server's, then the connection is lost.
  void play_until(std::size_t end) {
    for (std::size_t i = 0; i < end; ++i) play(script_.steps[i]);
    const Step& last = script_.steps[end];
    if (last.kind == Step::Kind::server && trouble_.empty()) {
      const std::string_view half = std::string_view(last.octets).substr(0, last.octets.size() / 2);
      if (dot_sent_ && half.starts_with('2') && half.find('\n') != std::string_view::npos) dot_answered_ = true;
      session_.feed(half);
      session_.next();
    }
    session_.connection_lost(std::string(lost_words));
    check_lost();
  }

 private:
  void play(const Step& step) {
    if (!trouble_.empty()) return;
    line_ = step.line;
    if (step.kind == Step::Kind::client) {
      expect<action::Write>("write");
      const std::string output = session_.take_output();
      if (output != step.octets) fail(fmt::format("wrote \"{}\"", transcript::escape(output)));
    } else if (step.kind == Step::Kind::server) {
      serve(step);
    } else if (step.name != "config:") {
      direct(step);
    }
    check_deliveries();
  }

  void serve(const Step& step) {
    if (!content_begun_) expect<action::Read>("read");
    if (dot_sent_ && step.octets.starts_with('2')) dot_answered_ = true;
    for (const std::string_view piece : transcript::pieces(step.octets, fed_, cut_)) {
      session_.feed(piece);
      session_.next();
    }
    fed_ += step.octets.size();
  }

  void direct(const Step& step) {
    const std::string& name = step.name;
    if (name == "message") {
      expect<action::Ready>("be ready");
      dot_sent_ = dot_answered_ = content_begun_ = false;
      transaction_ = read_transaction(step.argument);
      only_asks_ = false;
      session_.begin(transaction_);
    } else if (name == "ask") {
      expect<action::Ready>("be ready");
      std::string_view path = step.argument;
      transaction_ = mail::Transaction();
      transaction_.recipients.push_back(take_recipient(path));
      only_asks_ = true;
      session_.ask_about(transaction_.recipients.front().mailbox);
    } else if (name == "asked" || name.ends_with("answer")) {
      authenticate(step);
    } else if (name == "content" || name == "chunk") {
      expect<action::SendContent>("send content");
      if (session_.sends_chunk() != (name == "chunk")) fail("content of the other kind");
      content_begun_ = step.argument == "starts";
      dot_sent_ = !content_begun_;
      if (dot_sent_) session_.content_sent();
    } else if (name == "tls") {
      expect<action::StartTls>("start TLS");
      session_.tls_started();
    } else if (name == "hangup") {
      session_.connection_lost(std::string(lost_words));
    } else if (name == "quit") {
      expect<action::Ready>("be ready");
      session_.quit();
      quitting_ = true;
    } else if (name == "outcome") {
      check_outcome(step.argument);
    } else if (name == "success") {
      if (session_.passes_on_dsn() != (step.argument == "theirs")) fail("success is for somebody else to report");
    } else if (name == "may-begin") {
      if (session_.may_begin() != (step.argument == "yes")) fail("begins, or not, where it should not");
    } else if (name == "done") {
      expect<action::Done>("be done");
      if (session_.failure()) fail("failed");
    } else if (name == "failure") {
      check_failure(step.argument);
    } else {
      fail("unknown directive");
    }
  }

  void authenticate(const Step& step) {
    expect<action::Respond>("ask for a response");
    const std::string octets = transcript::unescape(step.argument);
    if (step.name == "asked") {
      const std::string said = fmt::format("{} {}", session_.mechanism(), session_.challenge());
      if (base::trim(said) != octets) fail(fmt::format("asks \"{}\"", said));
    } else {
      session_.respond(octets, step.name == "last-answer");
    }
  }

  void check_outcome(std::string_view text) {
    const std::string recipient = take_path(text);
    for (std::size_t i = 0; i < transaction_.recipients.size(); ++i) {
      if (transaction_.recipients[i].mailbox.to_string() != recipient) continue;
      const mail::RecipientReply& own = session_.outcome().at(i);
      if (text == "none") {
        if (own.reply.code != 0) fail("has a reply: " + own.reply.to_string());
        return;
      }
      const std::size_t blank = text.find(' ');
      if (own.stage != stage_named(text.substr(0, blank))) fail("another stage");
      if (own.to_string() != text.substr(blank + 1)) fail("was told \"" + own.to_string() + "\"");
      return;
    }
    fail("no such recipient");
  }

  void check_failure(std::string_view text) {
    expect<action::Done>("be done");
    if (!session_.failure()) return fail("no failure");
    const std::size_t blank = text.find(' ');
    const mail::SessionFailure& failure = *session_.failure();
    const std::string words = failure.reply ? failure.reply->to_string() : failure.words;
    if (failure.stage != stage_named(text.substr(0, blank))) fail("failed at another stage");
    if (!transcript::matches(text.substr(blank + 1), words)) fail("failed with \"" + words + "\"");
  }

  /// At no moment is somebody told that his mail was taken without the server having said so to the dot.
  void check_deliveries() {
    for (const mail::RecipientReply& own : session_.outcome()) {
      const bool refused = own.reply.is_transient() || own.reply.is_permanent();
      if (own.reply.code == 0 || refused) continue;
      if (only_asks_ && own.stage == Stage::rcpt) continue;  // nothing was to be delivered
      if (!own.reply.is_positive() || own.stage != Stage::final_dot || !dot_answered_) fail("counted as delivered");
    }
  }

  void check_lost() {
    if (!trouble_.empty()) return;
    expect<action::Done>("be done");
    if (!quitting_ && !session_.failure()) fail("lost, and no failure");
    if (session_.failure() && !session_.failure()->reply && session_.failure()->words.empty()) fail("a failure without words");
    check_deliveries();
  }

  template <class Expected>
  void expect(const char* what) {
    if (!std::holds_alternative<Expected>(session_.next())) fail(fmt::format("does not {}", what));
  }

  void fail(const std::string& what) {
    if (trouble_.empty()) trouble_ = fmt::format("{}, line {}: {}", script_.name, line_, what);
  }

  const Script& script_;
  Cut cut_;
  ClientSession session_;
  mail::Transaction transaction_;
  std::string trouble_;
  std::size_t fed_ = 0;
  int line_ = 0;
  bool content_begun_ = false;
  bool dot_sent_ = false;
  bool dot_answered_ = false;
  bool quitting_ = false;
  bool only_asks_ = false;
};

std::string play(const Script& script, Cut cut) {
  Player player(script, cut);
  player.play_all();
  return player.trouble();
}

}  // namespace

TEST_CASE("the client says what its transcripts say") {
  const std::vector<Script> scripts = transcript::load_all("client");
  CHECK(scripts.size() >= 20);
  for (const Script& script : scripts) CHECK(play(script, Cut()) == "");
}

TEST_CASE("the client does not care where its input is cut") {
  for (const Script& script : transcript::load_all("client")) {
    CHECK(play(script, Cut{Cut::everywhere}) == "");
    Player whole(script, Cut());
    whole.play_all();
    // The few long ones are there for their length: cut them here and there.
    const std::size_t stride = whole.fed() / 4000 * 7 + 1;
    std::string trouble;
    for (std::size_t at = 1; trouble.empty() && at < whole.fed(); at += stride) trouble = play(script, Cut{at});
    CHECK(trouble == "");
  }
}

TEST_CASE("a connection that is lost at any step never delivers and always says why") {
  for (const Script& script : transcript::load_all("client")) {
    for (std::size_t end = 0; end < script.steps.size(); ++end) {
      Player player(script, Cut());
      player.play_until(end);
      CHECK(player.trouble() == "");
    }
  }
}

TEST_CASE("every stage has words and a time limit") {
  for (int i = 0; i <= static_cast<int>(Stage::quit); ++i) {
    const Stage stage{static_cast<std::uint8_t>(i)};
    CHECK(!mail::describe(stage).empty());
    CHECK(mail::time_limit(stage) >= std::chrono::seconds(10));
  }
  // RFC 5321 4.5.3.2.
  CHECK(mail::time_limit(Stage::greeting) == std::chrono::minutes(5));
  CHECK(mail::time_limit(Stage::mail) == std::chrono::minutes(5));
  CHECK(mail::time_limit(Stage::rcpt) == std::chrono::minutes(5));
  CHECK(mail::time_limit(Stage::handshake) == std::chrono::seconds(30));  // plaintext follows in the same attempt
  CHECK(mail::time_limit(Stage::data) == std::chrono::minutes(2));
  CHECK(mail::time_limit(Stage::content) == std::chrono::minutes(3));
  CHECK(mail::time_limit(Stage::final_dot) == std::chrono::minutes(10));
}
