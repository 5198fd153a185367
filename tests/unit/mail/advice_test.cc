// Replies of receivers, and our own words, understood for people.
#include "mail/advice.h"

#include <array>
#include <set>
#include <string>

#include "mail/dsn.h"
#include "tests/catch.h"

using mail::Cause;
using mail::EnhancedStatus;
using mail::Told;

namespace {

Cause cause(std::string_view reply) { return mail::cause_of(Told(reply), mail::status_of_text(reply, EnhancedStatus{5, 0, 0})); }

struct Row {
  std::string_view reply;
  Cause cause;
};

/// By status; by words where the status says little; ours.
constexpr std::array rows{
    Row{"550 5.1.1 <bob@example.net>: user unknown", Cause::no_mailbox},
    Row{"550 User not found: bob@example.net", Cause::no_mailbox},
    Row{"550 Invalid User", Cause::refused},
    Row{"550 5.1.0 Address rejected: no such user", Cause::no_mailbox},
    Row{"550 5.1.2 bad destination host", Cause::no_domain},
    Row{"501 5.1.3 bad recipient syntax", Cause::bad_address},
    Row{"550 5.1.8 sender domain not found", Cause::sender_refused},
    Row{"556 5.1.10 recipient address has null MX", Cause::no_mail_service},
    Row{"550 5.2.1 the account is inactive", Cause::mailbox_closed},
    Row{"450 4.2.1 The user is receiving mail at a rate that prevents delivery", Cause::rate},
    Row{"550 5.2.1 cannot deliver", Cause::mailbox_closed},
    Row{"552 5.2.2 over quota", Cause::mailbox_full},
    Row{"452 4.2.2 The email account is over quota", Cause::mailbox_full},
    Row{"552 mailbox is full", Cause::mailbox_full},
    Row{"552 5.3.4 message too large", Cause::too_large},
    Row{"552 message size exceeds fixed limit", Cause::too_large},
    Row{"554 5.4.6 too many hops", Cause::loop},
    Row{"550 5.4.7 delivery time expired", Cause::time_over},
    Row{"550 5.4.1 no answer from host", Cause::cannot_connect},
    Row{"452 4.5.3 too many recipients", Cause::rate},
    Row{"550 5.6.0 message contains bare LF", Cause::form},
    Row{"550 5.6.7 address needs SMTPUTF8", Cause::no_utf8},
    Row{"503 5.5.1 bad sequence of commands", Cause::protocol},
    Row{"550 5.7.1 rejected", Cause::policy},
    Row{"550 5.7.1 Relaying denied", Cause::relay_denied},
    Row{"454 4.7.1 Relay access denied", Cause::relay_denied},
    Row{"550 5.7.1 blocked using zen.spamhaus.org", Cause::blocked},
    Row{"550 5.7.606 Access denied, banned sending IP", Cause::blocked},
    Row{"421 4.7.0 low reputation of the sending domain", Cause::blocked},
    Row{"550 Suspected spam ip", Cause::blocked},
    Row{"554 DT:SPM spam", Cause::content},
    Row{"554 5.7.1 the message contains a virus", Cause::content},
    Row{"550 Mail content denied", Cause::content},
    Row{"550 5.7.26 unauthenticated email is not accepted", Cause::authentication},
    Row{"550 5.7.515 access denied, the domain does not meet the required level", Cause::authentication},
    Row{"550 MI:SPF", Cause::authentication},
    Row{"550 DMARC check failed", Cause::authentication},
    Row{"550 5.7.25 no PTR", Cause::reverse_name},
    Row{"554 5.7.1 cannot find your reverse DNS", Cause::reverse_name},
    Row{"421 4.7.28 unusual rate of mail", Cause::rate},
    Row{"451 4.7.500 server busy", Cause::rate},
    Row{"550 Connection frequency limited", Cause::rate},
    Row{"550 5.7.30 REQUIRETLS support required", Cause::no_requiretls},
    Row{"550 5.7.30 DKIM did not pass", Cause::authentication},
    Row{"530 5.7.10 must issue STARTTLS first", Cause::tls},
    Row{"450 4.7.1 greylisted", Cause::busy},
    Row{"451 try again later", Cause::busy},
    Row{"421", Cause::busy},
    Row{"550", Cause::refused},
    Row{"550 \xC4\xE3\xFF", Cause::refused},
    Row{"no such domain: example.net", Cause::no_domain},
    Row{"example.net accepts no mail (null MX)", Cause::no_mail_service},
    Row{"no address found for mx.example.net", Cause::no_domain},
    Row{"[1.2.3] is not an address literal", Cause::bad_address},
    Row{"DNS: SERVFAIL", Cause::dns_trouble},
    Row{"cannot connect: Connection refused", Cause::cannot_connect},
    Row{"timed out waiting for the reply to RCPT TO", Cause::cannot_connect},
    Row{"lost the connection waiting for the greeting", Cause::cannot_connect},
    Row{"the server does not offer STARTTLS", Cause::tls},
    Row{"the server does not offer REQUIRETLS, which the sender asks for", Cause::no_requiretls},
    Row{"the certificate of mx.example.net is not to be trusted: self-signed certificate", Cause::tls},
    Row{"TLS handshake failed: certificate verify failed", Cause::tls},
    Row{"the server does not speak SMTP: not a reply: \"x\"", Cause::protocol},
    Row{"gave up, expired: 452 4.2.2 full", Cause::mailbox_full},
    Row{"gave up, expired: the destination rests: cannot connect: Connection refused", Cause::cannot_connect},
    Row{"gave up, expired: never attempted", Cause::time_over},
    Row{"gave up, expired: something new", Cause::time_over},
    Row{"returned by the administrator", Cause::returned_by_admin},
    Row{"the content file is damaged: content/x", Cause::relay_trouble},
    Row{"something new", Cause::not_handed_over},
    Row{"", Cause::not_handed_over},
};

}  // namespace

TEST_CASE("replies and our own words lead to their cause") {
  std::set<Cause> seen;
  for (const Row& row : rows) {
    INFO(row.reply);
    CHECK(static_cast<int>(cause(row.reply)) == static_cast<int>(row.cause));
    seen.insert(row.cause);
  }
  CHECK(seen.size() == mail::cause_count);  // there is no cause that nothing leads to
}

TEST_CASE("every cause has its words in both languages") {
  std::set<std::string_view> meanings;
  for (std::size_t i = 0; i < mail::cause_count; ++i) {
    const mail::Advice& advice = mail::advice_for(Cause{static_cast<std::uint8_t>(i)});
    INFO(advice.meaning);
    CHECK(static_cast<std::size_t>(advice.cause) == i);
    CHECK(advice.meaning.ends_with('.'));
    CHECK(advice.to_do.ends_with('.'));
    CHECK(advice.meaning_zh.ends_with("。"));
    CHECK(advice.to_do_zh.ends_with("。"));
    meanings.insert({advice.meaning, advice.meaning_zh});
    const bool for_admins = advice.to_do.find("Forward this notice to your mail administrator") != std::string_view::npos;
    if (for_admins) CHECK(static_cast<int>(advice.helper) == static_cast<int>(mail::Helper::administrator));
  }
  CHECK(meanings.size() == 2 * mail::cause_count);
}

TEST_CASE("what we put before a reply is told apart from the receiver's words") {
  const Told receiver("gave up, expired: the destination rests: 421 4.7.0 busy");
  CHECK(receiver.words == "421 4.7.0 busy");
  CHECK(receiver.speaker == Told::Speaker::receiver);
  CHECK(receiver.gave_up);
  const Told ours("timed out waiting for the greeting");
  CHECK(ours.speaker == Told::Speaker::relay);
  CHECK_FALSE(ours.gave_up);
  CHECK(Told("5501 is a number").speaker == Told::Speaker::relay);
  CHECK(Told("999 x").speaker == Told::Speaker::relay);
  CHECK(Told("").words.empty());
}
