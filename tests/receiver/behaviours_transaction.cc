// What goes wrong from MAIL to QUIT.
#include "tests/receiver/behaviour.h"

namespace receiver {
namespace {

constexpr std::size_t large = 400U << 10U;     // larger than what is kept in memory: sent from a file
constexpr std::size_t very_large = 8U << 20U;  // larger than what the sockets' buffers take

const std::string chunking = "PIPELINING 8BITMIME CHUNKING";

std::string name_of(Step step) {
  switch (step) {
    case Step::mail: return "MAIL";
    case Step::rcpt: return "RCPT";
    case Step::data: return "DATA";
    default: return "the final dot";
  }
}

/// What every command of a transaction may meet.
std::vector<Behaviour> at_each(Step at) {
  const std::string name = name_of(at);
  const bool at_dot = at == Step::dot;
  // A lost answer to the dot: the mail may have arrived, and comes again.
  const End after_a_loss = at_dot ? delivered_at_most(2) : delivered();
  return {
      {.name = "refuses " + name + " for good",
       .deeds = {says(at, "550 5.7.1 not wanted")},
       .end = bounced("550 5.7.1 not wanted")},
      {.name = "refuses " + name + " for now, for ever", .deeds = {says(at, "451 4.3.0 later")}, .end = waits("451 4.3.0 later")},
      {.name = "refuses " + name + " for now twice", .deeds = {times(2, says(at, "451 4.3.0 later"))}, .end = delivered()},
      {.name = "answers " + name + " with 421 once", .deeds = {once(says(at, "421 4.3.2 going down"))}, .end = delivered()},
      {.name = "answers " + name + " with HTTP once", .deeds = {once(says(at, "HTTP/1.1 200 OK"))}, .end = after_a_loss},
      {.name = "closes at " + name + " once", .deeds = {once(closes(at))}, .end = after_a_loss},
      {.name = "resets at " + name + " once", .deeds = {once(resets(at))}, .end = after_a_loss},
      {.name = "stalls at " + name + " once", .deeds = {once(stalls(at))}, .end = after_a_loss},
      {.name = "answers " + name + " with half a reply and closes, once",
       .deeds = {once(closes(at, at == Step::data ? "354-go" : "250-o"))},
       .end = after_a_loss},
      {.name = "answers " + name + " an octet at a time",
       .deeds = {drips(at, at == Step::data ? "354 go ahead\r\n" : "250 2.0.0 ok\r\n")},
       .end = delivered()},
  };
}

std::vector<Behaviour> wrong_codes() {
  return {
      {.name = "answers MAIL with 354", .deeds = {says(Step::mail, "354 go ahead")}, .end = waits("makes no sense here")},
      {.name = "answers RCPT with 354", .deeds = {says(Step::rcpt, "354 go ahead")}, .end = waits("makes no sense here")},
      {.name = "answers DATA with 250", .deeds = {says(Step::data, "250 2.0.0 thank you")}, .end = waits("makes no sense here")},
      {.name = "answers the final dot with 354 once", .deeds = {once(says(Step::dot, "354 more"))}, .end = delivered_at_most(2)},
      {.name = "answers MAIL twice",
       .deeds = {says(Step::mail, "250 2.1.0 ok\r\n250 2.1.0 ok")},
       .end = waits("makes no sense here")},
      {.name = "says 250 where nobody asked, once",
       .deeds = {once(says(Step::data, "354 go ahead\r\n250 2.0.0 taken already"))},
       .end = delivered_at_most(2)},
      {.name = "answers RCPT with 552, which is too many recipients",
       .deeds = {once(says(Step::rcpt, "552 too many recipients"))},
       .end = delivered()},
      {.name = "has a full mailbox for good",
       .deeds = {says(Step::rcpt, "552 5.2.2 mailbox full")},
       .end = bounced("552 5.2.2 mailbox full")},
      {.name = "refuses with a hundred lines",
       .deeds = {closes(Step::rcpt,
                        [] {
                          std::string lines;
                          for (int i = 0; i < 100; ++i) lines += "550-5.1.1 no such user, read this\r\n";
                          return lines + "550 5.1.1 no such user\r\n";
                        }())},
       .end = bounced("550 5.1.1 no such user")},
      {.name = "greylists", .deeds = {times(2, says(Step::rcpt, "450 4.2.0 greylisted, try again later"))}, .end = delivered()},
      {.name = "greylists after DATA", .deeds = {times(2, says(Step::dot, "451 4.7.1 try again later"))}, .end = delivered()},
      {.name = "takes 354 back",
       .deeds = {once(says(Step::content, "451 4.3.0 out of space"))},
       .end = delivered(),
       .size = large},
  };
}

std::vector<Behaviour> within_the_content() {
  constexpr auto at = Step::content;
  return {
      {.name = "closes within the content once", .deeds = {once(closes(at))}, .end = delivered(), .size = large},
      {.name = "resets within the content once", .deeds = {once(resets(at))}, .end = delivered(), .size = large},
      {.name = "refuses within the content and closes",
       .deeds = {closes(at, "552 5.3.4 too large\r\n")},
       .end = bounced("552 5.3.4 too large"),
       .size = large},
      {.name = "says 421 within the content once",
       .deeds = {once(closes(at, "421 4.3.2 going down\r\n"))},
       .end = delivered(),
       .size = large},
      {.name = "stops to read within the content", .deeds = {once(freezes(at))}, .end = delivered(), .size = very_large},
      {.name = "takes much mail", .end = delivered(), .size = very_large},
      {.name = "takes much mail over TLS", .end = delivered(Over::tls), .tls = Tls::good, .size = large},
      {.name = "resets within the content under TLS once",
       .deeds = {once(resets(at))},
       .end = delivered(Over::tls),
       .tls = Tls::good,
       .size = large},
  };
}

std::vector<Behaviour> several_messages() {
  return {
      {.name = "closes after each message", .deeds = {after(1, closes(Step::mail))}, .end = delivered(), .messages = 5},
      {.name = "resets after each message", .deeds = {after(1, resets(Step::mail))}, .end = delivered(), .messages = 5},
      {.name = "says 421 after three messages",
       .deeds = {after(3, says(Step::mail, "421 4.7.0 enough for one connection"))},
       .end = delivered(),
       .messages = 10},
      {.name = "refuses more than two messages a connection",
       .deeds = {after(2, says(Step::mail, "451 4.7.0 too many messages in this connection"))},
       .end = delivered(),
       .messages = 6},
      {.name = "stalls after two messages", .deeds = {after(2, stalls(Step::mail))}, .end = delivered(), .messages = 6},
      {.name = "takes a message and resets before QUIT", .deeds = {resets(Step::dot, "250 2.0.0 taken\r\n")}, .end = delivered()},
      {.name = "takes a message and says 421 behind it",
       .deeds = {closes(Step::dot, "250 2.0.0 taken\r\n421 4.4.2 bye\r\n")},
       .end = delivered(),
       .messages = 3},
      {.name = "takes a message in a hundred lines",
       .deeds = {says(Step::dot,
                      [] {
                        std::string lines;
                        for (int i = 0; i < 100; ++i) lines += "250-2.0.0 taken with thanks\r\n";
                        return lines + "250 2.0.0 taken";
                      }())},
       .end = delivered()},
      {.name = "never answers QUIT", .deeds = {stalls(Step::quit)}, .end = delivered()},
      {.name = "refuses QUIT", .deeds = {says(Step::quit, "500 5.5.1 what")}, .end = delivered()},
  };
}

std::vector<Behaviour> extensions() {
  return {
      {.name = "answers one command at a time", .end = delivered(), .offers = "8BITMIME", .messages = 3},
      {.name = "takes no addresses beyond ASCII", .end = bounced("does not offer SMTPUTF8"), .user = "jürgen"},
      {.name = "takes addresses beyond ASCII", .end = delivered(), .offers = "PIPELINING 8BITMIME SMTPUTF8", .user = "jürgen"},
      {.name = "takes no message so large",
       .end = bounced("the server takes 20000"),
       .offers = "PIPELINING SIZE_20000",
       .size = large},
      {.name = "takes chunks", .end = delivered(), .offers = chunking, .messages = 2},
      {.name = "takes much mail in chunks", .end = delivered(), .offers = chunking, .size = large},
      {.name = "offers CHUNKING, and does not know BDAT",
       .deeds = {says(Step::bdat, "500 5.5.1 what")},
       .end = delivered(),
       .offers = chunking},
      {.name = "closes at BDAT once", .deeds = {once(closes(Step::bdat))}, .end = delivered(), .offers = chunking},
      {.name = "stalls at the last chunk once",
       .deeds = {once(stalls(Step::dot))},
       .end = delivered_at_most(2),
       .offers = chunking},
      {.name = "refuses the last chunk for good",
       .deeds = {says(Step::dot, "550 5.7.1 not wanted")},
       .end = bounced("550 5.7.1 not wanted"),
       .offers = chunking},
      {.name = "has told how many messages it takes",
       .deeds = {after(2, says(Step::mail, "550 5.7.0 you were told"))},
       .end = delivered(),
       .offers = "PIPELINING LIMITS_MAILMAX=2",
       .messages = 5},
      {.name = "offers DSN, and knows nothing of it", .deeds = {}, .end = delivered(), .offers = "PIPELINING 8BITMIME DSN"},
  };
}

}  // namespace

std::vector<Behaviour> in_transactions() {
  std::vector<Behaviour> all;
  for (std::vector<Behaviour> table : {at_each(Step::mail), at_each(Step::rcpt), at_each(Step::data), at_each(Step::dot),
                                       wrong_codes(), within_the_content(), several_messages(), extensions()}) {
    for (Behaviour& behaviour : table) all.push_back(std::move(behaviour));
  }
  return all;
}

}  // namespace receiver
