// Every row of the table of outcomes, in words: this is the specification that queue/outcome.cc is held to.
#include "queue/outcome.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

using base::Kind;
using mail::Stage;
using queue::MoreHosts;

std::string words(const queue::Outcome& outcome) {
  std::string text;
  switch (outcome.verdict) {
    case queue::Verdict::delivered: text = "delivered"; break;
    case queue::Verdict::deferred: text = "deferred"; break;
    case queue::Verdict::failed: text = "failed"; break;
  }
  switch (outcome.scope) {
    case queue::Scope::recipient: text += "/recipient"; break;
    case queue::Scope::message: text += "/message"; break;
    case queue::Scope::host: text += "/host"; break;
    case queue::Scope::destination: text += "/destination"; break;
  }
  return outcome.unknown_after_dot ? text + "/unknown" : text;
}

const std::string next = "deferred/host deferred/destination";  // with more hosts, without
const std::string same_host = "deferred/host deferred/host";
std::string both(const std::string& cell) { return cell + " " + cell; }

template <class Cause>
std::string with_and_without(Stage stage, const Cause& cause) {
  return words(queue::classify(stage, cause, MoreHosts::yes)) + " " + words(queue::classify(stage, cause, MoreHosts::no));
}

const std::vector<Stage> all_stages = {Stage::connect,        Stage::greeting,  Stage::ehlo, Stage::starttls, Stage::handshake,
                                       Stage::ehlo_after_tls, Stage::auth,      Stage::mail, Stage::rcpt,     Stage::data,
                                       Stage::content,        Stage::final_dot, Stage::quit};
const std::vector<Kind> all_kinds = {Kind::invalid, Kind::unsupported, Kind::refused,  Kind::temporary,
                                     Kind::timeout, Kind::closed,      Kind::tls,      Kind::storage,
                                     Kind::damaged, Kind::full,        Kind::cancelled};

bool before_mail(Stage stage) { return stage < Stage::mail; }

}  // namespace

TEST_CASE("replies: every stage and class") {
  struct Row {
    Stage stage;
    std::array<std::string, 6> cells;  // 250, 354, 421, 450, 550, 999
  };
  const std::string later = both("deferred/message");
  const std::string wait = both("deferred/recipient");
  const std::string unknown = both("deferred/message/unknown");
  const std::vector<Row> rows = {
      {Stage::connect, {next, next, next, next, next, next}},
      {Stage::greeting, {next, next, next, next, next, next}},
      {Stage::ehlo, {next, next, next, next, next, next}},
      {Stage::starttls, {next, next, next, next, next, next}},
      {Stage::handshake, {next, next, next, next, next, next}},
      {Stage::ehlo_after_tls, {next, next, next, next, next, next}},
      {Stage::auth, {next, next, next, next, next, next}},
      {Stage::mail, {later, later, same_host, later, both("failed/message"), later}},
      {Stage::rcpt, {wait, wait, same_host, wait, both("failed/recipient"), wait}},
      {Stage::data, {later, later, same_host, later, both("failed/message"), later}},
      {Stage::content, {later, later, same_host, later, both("failed/message"), later}},
      {Stage::final_dot, {both("delivered/recipient"), unknown, same_host, later, both("failed/message"), unknown}},
      {Stage::quit, {same_host, same_host, same_host, same_host, same_host, same_host}},
  };
  REQUIRE(rows.size() == all_stages.size());
  const std::array<int, 6> codes = {250, 354, 421, 450, 550, 999};
  for (std::size_t row = 0; row < rows.size(); ++row) {
    REQUIRE(rows[row].stage == all_stages[row]);
    for (std::size_t column = 0; column < codes.size(); ++column) {
      mail::Reply reply;
      reply.code = codes[column];
      INFO("stage " << row << ", code " << reply.code);
      CHECK(with_and_without(rows[row].stage, reply) == rows[row].cells[column]);
    }
  }
}

TEST_CASE("errors: every stage and kind") {
  const std::string local = both("deferred/message");
  for (const Stage stage : all_stages) {
    for (const Kind kind : all_kinds) {
      std::string expected = next;
      if (kind == Kind::storage || kind == Kind::damaged || kind == Kind::full || kind == Kind::cancelled) expected = local;
      if (stage == Stage::connect && kind == Kind::temporary) expected = both("deferred/destination");
      if (stage == Stage::connect && kind == Kind::refused) expected = both("failed/destination");
      if (stage == Stage::connect && kind == Kind::invalid) expected = both("failed/destination");
      if (!before_mail(stage) && kind == Kind::unsupported) expected = "deferred/host failed/message";
      if (stage == Stage::final_dot) expected = both("deferred/message/unknown");
      if (stage == Stage::quit) expected = same_host;
      INFO("stage " << static_cast<int>(stage) << ", kind " << base::to_string(kind));
      CHECK(with_and_without(stage, base::Error(kind, "words")) == expected);
    }
  }
}

TEST_CASE("well-known replies") {
  const auto told = [](Stage stage, int code) {
    mail::Reply reply;
    reply.code = code;
    return words(queue::classify(stage, reply, MoreHosts::no));
  };
  CHECK(told(Stage::rcpt, 452) == "deferred/recipient");        // 4.5.3 too many recipients: those that were taken go on
  CHECK(told(Stage::rcpt, 552) == "deferred/recipient");        // RFC 821's too many recipients
  CHECK(told(Stage::greeting, 554) == "deferred/destination");  // blocked at the door: nothing is lost yet
  CHECK(told(Stage::starttls, 454) == "deferred/destination");
  CHECK(told(Stage::final_dot, 250) == "delivered/recipient");
  CHECK(told(Stage::final_dot, 552) == "failed/message");
}

TEST_CASE("552 to RCPT is temporary unless its enhanced status names another reason") {
  mail::Reply reply;
  reply.code = 552;
  reply.status = mail::EnhancedStatus{5, 5, 3};
  CHECK(words(queue::classify(Stage::rcpt, reply, MoreHosts::no)) == "deferred/recipient");
  reply.status = mail::EnhancedStatus{5, 2, 2};
  CHECK(words(queue::classify(Stage::rcpt, reply, MoreHosts::no)) == "failed/recipient");
}

TEST_CASE("nothing is delivered but by a positive reply to the final dot") {
  for (const Stage stage : all_stages) {
    for (int code = 100; code < 700; ++code) {
      mail::Reply reply;
      reply.code = code;
      const auto outcome = queue::classify(stage, reply, MoreHosts::yes);
      CHECK((outcome.verdict == queue::Verdict::delivered) == (stage == Stage::final_dot && code >= 200 && code < 300));
    }
  }
}

TEST_CASE("a message that may have been delivered never goes to another host") {
  for (const Kind kind : all_kinds) {
    const auto outcome = queue::classify(Stage::final_dot, base::Error(kind, ""), MoreHosts::yes);
    CHECK(outcome.unknown_after_dot);
    CHECK(outcome.scope == queue::Scope::message);
  }
}

TEST_CASE("REQUIRETLS: what a host can never have returns the message, what fails now lets it wait, and nothing rests for it") {
  const auto told = [](Stage stage, const auto& cause) {
    const auto with = [&](MoreHosts more) { return words(queue::classify_requiretls(stage, cause, more)); };
    return with(MoreHosts::yes) + " " + with(MoreHosts::no);
  };
  for (const Stage stage : {Stage::starttls, Stage::handshake, Stage::ehlo_after_tls}) {
    for (const Kind kind : all_kinds) {
      const base::Error error(kind, "");
      const bool lasting = kind == Kind::tls || kind == Kind::unsupported;
      CHECK(queue::rules_out_requiretls(stage, error) == lasting);
      CHECK(told(stage, error) == (lasting ? "deferred/host failed/message" : "deferred/host deferred/message"));
    }
  }
  mail::Reply refused;
  refused.code = 502;
  mail::Reply busy;
  busy.code = 454;
  CHECK(told(Stage::starttls, refused) == "deferred/host failed/message");
  CHECK(told(Stage::starttls, busy) == "deferred/host deferred/message");
  for (const Stage stage : {Stage::connect, Stage::greeting, Stage::ehlo, Stage::ehlo_after_tls, Stage::auth}) {
    CHECK(told(stage, refused) == next);
    CHECK_FALSE(queue::rules_out_requiretls(stage, refused));
  }
  CHECK(told(Stage::connect, base::Error(Kind::closed, "")) == next);
  CHECK(told(Stage::auth, base::Error(Kind::tls, "")) == next);
}
