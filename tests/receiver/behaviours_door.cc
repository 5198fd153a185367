// What goes wrong before the first MAIL: nobody is there, the greeting, EHLO.
#include "tests/receiver/behaviour.h"

namespace receiver {
namespace {

std::string repeated(const std::string& line, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += line;
  return lines;
}

std::vector<Behaviour> connecting() {
  return {
      {.name = "nobody listens", .end = waits("cannot connect: Connection refused"), .door = Door::refuses},
      {.name = "nobody listens at the first host", .end = delivered(), .door = Door::refuses, .has_spare = true},
      {.name = "TCP is never answered", .end = waits("timed out waiting for the connection"), .door = Door::stalls},
      {.name = "TCP is never answered by the first host", .end = delivered(), .door = Door::stalls, .has_spare = true},
  };
}

std::vector<Behaviour> refusing() {
  constexpr auto at = Step::greeting;
  return {
      {.name = "greets with 554 for ever", .deeds = {says(at, "554 5.3.2 no mail here")}, .end = waits("554 5.3.2 no mail here")},
      {.name = "greets with 554 once", .deeds = {once(says(at, "554 5.3.2 no mail here"))}, .end = delivered()},
      {.name = "greets with 554, and has a second host",
       .deeds = {says(at, "554 5.3.2 no mail here")},
       .end = delivered(),
       .has_spare = true},
      {.name = "greets with 421 for ever", .deeds = {says(at, "421 4.3.2 too busy")}, .end = waits("421 4.3.2 too busy")},
      {.name = "greets with 421 twice", .deeds = {times(2, says(at, "421 4.3.2 too busy"))}, .end = delivered()},
      {.name = "greets with 450 once", .deeds = {once(says(at, "450 4.3.2 not now"))}, .end = delivered()},
      {.name = "greets with 354", .deeds = {says(at, "354 go ahead")}, .end = waits("makes no sense here")},
      {.name = "greets with 250", .deeds = {says(at, "250 mx.example")}, .end = delivered()},
  };
}

std::vector<Behaviour> ending_at_the_greeting() {
  constexpr auto at = Step::greeting;
  return {
      {.name = "closes instead of a greeting",
       .deeds = {closes(at)},
       .end = waits("lost the connection waiting for the greeting")},
      {.name = "closes instead of a greeting once", .deeds = {once(closes(at))}, .end = delivered()},
      {.name = "resets instead of a greeting", .deeds = {resets(at)}, .end = waits("connect")},  // TCP may tell of it that early
      {.name = "never greets", .deeds = {stalls(at)}, .end = waits("timed out waiting for the greeting")},
      {.name = "never greets, and has a second host", .deeds = {stalls(at)}, .end = delivered(), .has_spare = true},
      {.name = "greets with half a reply and stalls",
       .deeds = {stalls(at, "220-mx.example\r\n")},
       .end = waits("timed out waiting for the greeting")},
      {.name = "greets with half a line and closes",
       .deeds = {closes(at, "220 mx.exam")},
       .end = waits("lost the connection waiting for the greeting")},
      {.name = "greets an octet at a time", .deeds = {drips(at, "220 mx.example ESMTP\r\n")}, .end = delivered()},
      {.name = "greets without end, slowly",
       .deeds = {drips(at, repeated("220-a\r\n", 1'000))},
       .end = waits("timed out waiting for the greeting")},
  };
}

std::vector<Behaviour> greeting_oddly() {
  constexpr auto at = Step::greeting;
  return {
      {.name = "speaks HTTP", .deeds = {says(at, "HTTP/1.1 400 Bad Request")}, .end = waits("does not speak SMTP")},
      {.name = "speaks SSH", .deeds = {says(at, "SSH-2.0-OpenSSH_9.6")}, .end = waits("does not speak SMTP")},
      {.name = "speaks TLS at once",
       .deeds = {closes(at, std::string("\x15\x03\x01\x00\x02\x02\x50", 7))},
       .end = waits("lost the connection waiting for the greeting")},
      {.name = "speaks in binary", .deeds = {says(at, std::string("\x00\xff\xfe\x01", 4))}, .end = waits("does not speak SMTP")},
      {.name = "greets with lines without end", .deeds = {floods(at, "220-more\r\n")}, .end = waits("does not speak SMTP")},
      {.name = "greets with one line without end",
       .deeds = {floods(at, "220 " + std::string(4000, 'x'))},
       .end = waits("does not speak SMTP")},
      {.name = "greets with a hundred lines",
       .deeds = {sends(at, repeated("220-welcome\r\n", 100) + "220 mx.example\r\n")},
       .end = delivered()},
      {.name = "greets with a bare newline", .deeds = {sends(at, "220 mx.example\n")}, .end = delivered()},
      {.name = "greets without a word", .deeds = {says(at, "220")}, .end = delivered()},
      {.name = "greets twice at once",
       .deeds = {sends(at, "220 mx.example\r\n220 mx.example\r\n")},
       .end = waits("reply to nothing")},
  };
}

std::vector<Behaviour> answering_ehlo() {
  constexpr auto at = Step::ehlo;
  return {
      {.name = "knows only HELO", .deeds = {says(at, "502 5.5.1 what")}, .end = delivered()},
      {.name = "refuses EHLO and HELO",
       .deeds = {says(at, "550 5.7.1 no"), says(Step::helo, "550 5.7.1 not you")},
       .end = waits("550 5.7.1 not you")},
      {.name = "answers EHLO with 421 once", .deeds = {once(says(at, "421 4.3.2 too busy"))}, .end = delivered()},
      {.name = "answers EHLO with 451", .deeds = {says(at, "451 4.3.0 later")}, .end = waits("451 4.3.0 later")},
      {.name = "answers EHLO with 354", .deeds = {says(at, "354 go ahead")}, .end = waits("makes no sense here")},
      {.name = "closes at EHLO", .deeds = {closes(at)}, .end = waits("lost the connection waiting for the reply to EHLO")},
      {.name = "closes at EHLO once", .deeds = {once(closes(at))}, .end = delivered()},
      {.name = "resets at EHLO once", .deeds = {once(resets(at))}, .end = delivered()},
      {.name = "stalls at EHLO", .deeds = {stalls(at)}, .end = waits("timed out waiting for the reply to EHLO")},
      {.name = "stalls at EHLO once", .deeds = {once(stalls(at))}, .end = delivered()},
      {.name = "stalls within its reply to EHLO",
       .deeds = {stalls(at, "250-mx.example\r\n250-SI")},
       .end = waits("timed out waiting for the reply to EHLO")},
      {.name = "answers EHLO an octet at a time",
       .deeds = {drips(at, "250-mx.example\r\n250 PIPELINING\r\n")},
       .end = delivered()},
      {.name = "answers EHLO without end", .deeds = {floods(at, "250-X-MORE\r\n")}, .end = waits("does not speak SMTP")},
      {.name = "offers a hundred things",
       .deeds = {sends(at, "250-mx.example\r\n" + repeated("250-X-THING\r\n", 100) + "250 PIPELINING\r\n")},
       .end = delivered()},
      {.name = "changes its code within the reply to EHLO",
       .deeds = {sends(at, "250-mx.example\r\n220 HELP\r\n")},
       .end = waits("does not speak SMTP")},
      {.name = "offers nonsense", .end = delivered(), .offers = "SIZE_abc pipelining X-_- 8bitmime_9"},
      {.name = "offers nothing", .end = delivered(), .offers = ""},
  };
}

}  // namespace

std::vector<Behaviour> at_the_door() {
  return joined({connecting(), refusing(), ending_at_the_greeting(), greeting_oddly(), answering_ehlo()});
}

}  // namespace receiver
