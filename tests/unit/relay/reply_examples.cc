// Faithful to the providers' public words, with addresses and names of documentation.
#include "tests/unit/relay/reply_examples.h"

#include <iterator>

namespace world {
namespace {

using namespace std::chrono_literals;
using enum conf::ReplyAction;
using Action = std::optional<conf::ReplyAction>;
using Wait = std::optional<base::Duration>;

constexpr auto receiver = conf::ReplyScope::receiver;
constexpr auto domain = conf::ReplyScope::domain;
constexpr auto sender = conf::ReplyScope::sender;
constexpr auto recipient = conf::ReplyScope::recipient;
constexpr Action same = std::nullopt;
constexpr Wait usual = std::nullopt;

const Example of_gmail[] = {
    {gmail,
     "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating\n421-4.7.28 from your IP address. To protect "
     "our users from spam, mail sent from your\n421-4.7.28 IP address has been temporarily rate limited. For more information, "
     "go "
     "to\n421 4.7.28 https://support.google.com/mail/?p=UnsolicitedRateLimitError x-20020a0 - gsmtp",
     throttle, same, receiver, 10min},
    {gmail,
     "421-4.7.28 Gmail has detected an unusual rate of mail originating from your SPF\n421-4.7.28 domain [example.com 35]. To "
     "protect our users from spam, mail sent from\n421 4.7.28 your domain has been temporarily rate limited. - gsmtp",
     throttle, same, sender, 10min},
    {gmail,
     "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your\n421-4.7.28 DKIM domain "
     "[example.com 15]. Mail sent from your domain has been temporarily\n421 4.7.28 rate limited. - gsmtp",
     throttle, same, sender, 10min},
    {gmail,
     "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail containing one of\n421 4.7.28 your URL domains. Mail "
     "with "
     "the URL has been temporarily limited. - gsmtp",
     throttle, same, sender, 10min},
    {gmail, "421 4.7.28 Gmail has detected an unusual rate of mail with the same Message-ID. - gsmtp", retry, same, recipient,
     10min},
    {gmail,
     "421-4.7.0 [192.0.2.1      15] Our system has detected an unusual rate of\n421-4.7.0 unsolicited mail originating from your "
     "IP address. To protect our users from\n421 4.7.0 spam, mail sent from your IP address has been temporarily rate limited. - "
     "gsmtp",
     throttle, same, receiver, 10min},
    {gmail,
     "550-5.7.28 There is an unusual rate of unsolicited mail originating from your IP\n550 5.7.28 address. Mail sent from your "
     "IP "
     "address has been blocked. - gsmtp",
     stop, same, recipient, usual},
    {gmail,
     "451-4.7.23 The IP address sending this message does not have a PTR record setup, or the\n451 4.7.23 corresponding forward "
     "DNS entry does not match the sending IP. - gsmtp",
     fix, pause, receiver, usual, "ptr"},
    {gmail,
     "550-5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record\n550 5.7.25 setup, or the "
     "corresponding forward DNS entry does not point to the sending IP. - gsmtp",
     fix, pause, receiver, usual, "ptr"},
    {gmail,
     "550-5.7.1 [2001:db8::1] Our system has detected that this message does\n550-5.7.1 not meet IPv6 sending guidelines "
     "regarding "
     "PTR records and\n550-5.7.1 authentication. Please review\n550-5.7.1  https://support.google.com/mail/?p=IPv6AuthError for "
     "more\n550 5.7.1 information. - gsmtp",
     fix, same, receiver, usual, "ipv6"},
    {gmail, "451 4.7.24 The SPF record of the sending domain has one or more suspicious entries. - gsmtp", fix, same, sender,
     usual, "spf"},
    {gmail, "550 5.7.24 The SPF record of the sending domain has one or more suspicious entries. - gsmtp", fix, same, sender,
     usual, "spf"},
    {gmail,
     "550-5.7.26 The MAIL FROM domain [example.com] has an SPF record with a hard fail\n550-5.7.26 policy (-all) but it fails to "
     "pass SPF checks with the ip: [192.0.2.1]. To\n550 5.7.26 best protect our users from spam, the message has been blocked. - "
     "gsmtp",
     fix, same, sender, usual, "spf"},
    {gmail,
     "550-5.7.26 Unauthenticated email from example.com is not accepted due to\n550-5.7.26 domain's DMARC policy. Please contact "
     "the administrator of\n550 5.7.26 example.com domain if this was a legitimate mail. - gsmtp",
     fix, same, sender, usual, "dmarc"},
    {gmail, "550 5.7.1 Unauthenticated email from example.com is not accepted due to domain's DMARC policy. - gsmtp", fix, same,
     sender, usual, "dmarc"},
    {gmail,
     "421-4.7.26 This mail has been rate limited because it is unauthenticated. Gmail\n421-4.7.26 requires all senders to "
     "authenticate with either SPF or DKIM.\n421 4.7.26 DKIM = did not pass SPF [example.com] with ip: [192.0.2.1] = did not "
     "pass - "
     "gsmtp",
     fix, same, sender, usual, "spf"},
    {gmail, "550 5.7.26 This mail has been blocked because the sender is unauthenticated. - gsmtp", fix, same, sender, usual,
     "spf"},
    {gmail, "421 4.7.27 Your email has been rate limited because SPF authentication didn't pass for this message. - gsmtp", fix,
     same, sender, usual, "spf"},
    {gmail, "550 5.7.27 Your email has been blocked because SPF authentication didn't pass for this message. - gsmtp", fix, same,
     sender, usual, "spf"},
    {gmail, "421 4.7.30 Your email has been rate limited because DKIM authentication didn't pass for this message. - gsmtp", fix,
     same, sender, usual, "dkim"},
    {gmail, "550 5.7.30 Your email has been blocked because DKIM authentication didn't pass. - gsmtp", fix, same, sender, usual,
     "dkim"},
    {gmail, "421 4.7.32 Your email has been rate limited because the From: header isn't aligned with SPF or DKIM. - gsmtp", fix,
     same, sender, usual, "from"},
    {gmail, "550 5.7.32 Your email has been blocked because the From: header isn't aligned with either. - gsmtp", fix, same,
     sender, usual, "from"},
    {gmail, "421 4.7.31 The sending domain has no DMARC record, or the record has no policy. - gsmtp", fix, same, sender, usual,
     "dmarc"},
    {gmail, "421 4.7.40 The sending domain doesn't have a DMARC record, or it has no policy. - gsmtp", fix, same, sender, usual,
     "dmarc"},
    {gmail, "550 5.7.40 The sending domain doesn't have a DMARC record. - gsmtp", fix, same, sender, usual, "dmarc"},
    {gmail, "421 4.7.29 Your email has been rate limited because it wasn't sent over a TLS connection. - gsmtp", fix, same,
     receiver, usual, "tls"},
    {gmail, "550 5.7.29 Your email has been blocked because it wasn't sent over a TLS connection. - gsmtp", fix, same, receiver,
     usual, "tls"},
    {gmail,
     "421-4.7.0 [192.0.2.1      19] Gmail has detected that this message is suspicious\n421-4.7.0 due to the very low reputation "
     "of the sending IP address. To protect our\n421 4.7.0 users from spam, mail sent from your IP has been temporarily blocked. "
     "- "
     "gsmtp",
     throttle, pause, receiver, usual},
    {gmail,
     "550-5.7.1 [192.0.2.1] Gmail has detected that this message is likely\n550-5.7.1 suspicious due to the very low reputation "
     "of "
     "the sending domain. The message\n550 5.7.1 has been blocked. - gsmtp",
     stop, same, recipient, usual},
    {gmail,
     "550-5.7.1 [192.0.2.1] Our system has detected that this message is\n550-5.7.1 likely unsolicited mail. To reduce the "
     "amount "
     "of spam sent to Gmail,\n550 5.7.1 this message has been blocked. - gsmtp",
     stop, same, recipient, usual},
    {gmail,
     "450-4.2.1 The user you are trying to contact is receiving mail at a rate that\n450-4.2.1 prevents additional messages from "
     "being delivered. Please resend your\n450 4.2.1 message at a later time. - gsmtp",
     retry, same, recipient, usual},
    {gmail, "450 4.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp", retry, same, recipient, usual},
    {gmail,
     "550-5.2.1 The user you are trying to contact is receiving mail at a\n550 5.2.1 rate that prevents additional messages from "
     "being delivered. - gsmtp",
     retry, same, recipient, usual},
    {gmail, "452-4.2.2 The recipient's inbox is out of storage space.\n452 4.2.2 Please direct the recipient to support. - gsmtp",
     retry, same, recipient, usual},
    {gmail, "552 5.2.2 The recipient's inbox is out of storage space and inactive. - gsmtp", stop, same, recipient, usual},
    {gmail,
     "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550 5.1.1 double-checking the recipient's "
     "email address for typos. - gsmtp",
     stop, same, recipient, usual},
    {gmail, "550 5.2.1 The email account that you tried to reach is inactive. - gsmtp", stop, same, recipient, usual},
    {gmail, "550 5.7.1 Messages with multiple addresses in From: header are not accepted. - gsmtp", stop, same, recipient, usual},
    {gmail, "550 5.7.1 This message is not RFC 5322 compliant because it has duplicate headers. - gsmtp", stop, same, recipient,
     usual},
    {gmail, "550 5.7.1 Messages missing a valid Message-ID header are not accepted. - gsmtp", stop, same, recipient, usual},
    {gmail, "550 5.7.1 Messages missing a valid address in the From: header are not accepted. - gsmtp", stop, same, recipient,
     usual},
    {gmail, "554 5.6.0 Mail message is malformed. Not accepted. - gsmtp", stop, same, recipient, usual},
    {gmail, "552 5.3.4 The size of the <header name> header value exceeds the limit. - gsmtp", stop, same, recipient, usual},
    {gmail, "552 5.3.4 Your message exceeded Google's message size limits. - gsmtp", stop, same, recipient, usual},
};

const Example of_microsoft[] = {
    {outlook,
     "421 RP-001 (BAY0-MC1-F1) Unfortunately, some messages from 192.0.2.1 weren't sent. Please try again. We have limits for "
     "how "
     "many messages can be sent per hour and per day.",
     throttle, same, receiver, usual},
    {outlook,
     "421 RP-002 (BAY0-MC1-F1) Unfortunately, some messages on this connection weren't sent. We have limits for how many "
     "messages "
     "can be sent per connection.",
     throttle, same, receiver, usual},
    {outlook, "421 RP-003 (BAY0-MC1-F1) The connection limit for the IP address has been exceeded.", throttle, same, receiver,
     usual},
    {outlook, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77714) [AM7EUR.prod.protection.outlook.com]",
     retry, throttle, receiver, usual},
    {microsoft365, "451 4.7.699 Server busy. [AM7EUR.prod.protection.outlook.com]", retry, throttle, receiver, usual},
    {outlook,
     "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery "
     "information, see https://postmaster.live.com (S775)",
     throttle, pause, receiver, usual},
    {microsoft365, "451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", throttle,
     pause, receiver, usual},
    {outlook,
     "550 5.7.515 Access denied, sending domain EXAMPLE.COM doesn't meet the required authentication level. The sender's domain "
     "in "
     "the 5322.From address doesn't meet the authentication requirements. Spf= Pass , Dkim= Fail , DMARC= Fail",
     fix, same, sender, usual, "dmarc"},
    {outlook,
     "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part "
     "of "
     "their network is on our block list (S3140). You can also refer your provider to "
     "http://mail.live.com/mail/troubleshooting.aspx#errors. [DM6NAM12.prod.protection.outlook.com]",
     pause, same, receiver, usual},
    {outlook, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. (S3150)", pause, same, receiver, usual},
    {newer365, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. (S3150)", pause, same, receiver, usual},
    {microsoft365, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal visit https://sender.office.com",
     pause, same, receiver, usual},
    {newer365, "550 5.7.649 Access denied, banned sending IP [192.0.2.1].", pause, same, receiver, usual},
    {microsoft365,
     "550 5.7.511 Access denied, banned sender[192.0.2.1]. To request removal from this list please forward this message to "
     "delist@microsoft.com. AS(1410) [AM7EUR.prod.protection.outlook.com]",
     pause, same, receiver, usual},
    {outlook, "550 SC-001 (BAY0-MC1-F1) Unfortunately, messages from 192.0.2.1 weren't sent. Mail rejected for policy reasons.",
     pause, same, receiver, usual},
    {outlook, "550 SC-002 (BAY0-MC1-F1) Unfortunately, messages from 192.0.2.1 weren't sent: namespace mining.", pause, same,
     receiver, usual},
    {outlook, "550 SC-003 (BAY0-MC1-F1) Your IP address appears to be an open proxy/relay.", pause, same, receiver, usual},
    {outlook, "550 SC-004 (BAY0-MC1-F1) A block has been placed against your IP address because we received complaints.", pause,
     same, receiver, usual},
    {outlook, "550 OU-002 (BAY0-MC1-F1) Mail rejected by Outlook.com for policy reasons.", pause, same, receiver, usual},
    {outlook, "550 DY-001 (BAY0-MC1-F1) We generally do not accept email from dynamic IP's.", pause, same, receiver, usual},
    {outlook, "550 DY-002 (BAY0-MC1-F1) The likely cause is a compromised or virus infected server.", pause, same, receiver,
     usual},
    {outlook, "550 OU-001 (BAY0-MC1-F1) Your IP address is listed by Spamhaus.", pause, same, receiver, usual},
    {microsoft365, "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification", fix, same, sender,
     usual, "dmarc"},
    {microsoft365, "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant", stop, same, recipient, usual},
};

const Example of_yahoo_and_apple[] = {
    {yahoo,
     "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; "
     "see "
     "https://postmaster.yahooinc.com/error-codes",
     throttle, same, receiver, 2h},
    {yahoo, "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", pause, same,
     receiver, usual},
    {yahoo, "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", stop, pause,
     receiver, usual},
    {yahoo, "553 5.7.2 [TSS11] All messages from 192.0.2.1 will be permanently deferred.", stop, pause, receiver, usual},
    {yahoo, "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", pause, same,
     receiver, usual},
    {yahoo, "553 5.7.1 [BL23] Connections not accepted from IP addresses on Spamhaus XBL", pause, same, receiver, usual},
    {yahoo, "554 5.1.8 Sender domain example.com does not resolve", fix, same, sender, usual, "soa"},
    {yahoo, "451 Message temporarily deferred due to unresolvable RFC.5321 from domain", fix, same, sender, usual, "soa"},
    {yahoo, "451 4.1.8 The domain of the sender could not be resolved", fix, same, sender, usual, "soa"},
    {yahoo, "554 5.7.9 Message not accepted for policy reasons. See https://senders.yahooinc.com/error-codes", stop, same,
     recipient, usual},
    {yahoo, "554 5.7.5 [PH01] Email not accepted for policy reasons", stop, same, recipient, usual},
    {yahoo,
     "550 5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate "
     "with "
     "either SPF or DKIM.",
     fix, same, sender, usual, "spf"},
    {yahoo, "421 Max message per connection reached, closing transmission channel", retry, same, recipient, 1s},
    {icloud,
     "421 4.7.1 Messages to bob@icloud.com deferred due to excessive volume. Try again later - "
     "https://support.apple.com/en-us/HT204137",
     throttle, same, receiver, usual},
    {icloud, "554 5.7.1 [HME1] This message was blocked for failing both SPF and DKIM authentication checks.", fix, same, sender,
     usual, "spf"},
    {icloud, "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
     pause, same, receiver, usual},
};

const Example of_chinese_receivers[] = {
    {qq, "550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725", throttle, same,
     receiver, usual},
    {exmail, "550 Ip frequency limited [MXbiz1 aBc IP: 192.0.2.1]", throttle, same, receiver, usual},
    {qq, "550 Connection frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000722", throttle,
     same, receiver, usual},
    {qq, "550 Domain frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000724", throttle, same,
     sender, usual},
    {qq, "550 Sender frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000723", throttle, same,
     sender, usual},
    {qq, "550 Mailbox unavailable or access denied [MX3 aBc IP: 192.0.2.1]", retry, same, recipient, usual},
    {exmail, "550 Mailbox unavailable or access denied", retry, same, recipient, usual},
    {qq, "550 SPF check failed. http://service.mail.qq.com/cgi-bin/help?subtype=1&&no=1001509&&id=16", fix, same, sender, usual,
     "spf"},
    {qq, "550 DMARC check failed. http://service.mail.qq.com/cgi-bin/help?subtype=1&&no=1001508&&id=16", fix, same, sender, usual,
     "dmarc"},
    {qq, "550 Suspected bounce attacks. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000720", stop, same,
     recipient, usual},
    {qq, "550 Suspected spam ip. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000721", pause, same, receiver,
     usual},
    {qq, "550 Mail content denied. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000726", stop, same,
     recipient, usual},
    {netease, "421 HL:REP 163 smtp11,D8CowAB3,1 http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.1&hostid=smtp11", throttle,
     same, receiver, usual},
    {netease, "421 HL:ICC 163 smtp11,D8CowAB3,1", throttle, same, receiver, usual},
    {netease, "421 HL:IFC 163 smtp11,D8CowAB3,1", throttle, same, receiver, usual},
    {netease, "421 HL:MEP 163 smtp11,D8CowAB3,1", throttle, same, receiver, usual},
    {netease, "450 MI:DMC 163 smtp11,D8CowAB3,1", retry, same, recipient, 1min},
    {netease, "451 RP:DRC 163 smtp11,D8CowAB3,1", retry, same, recipient, 1min},
    {netease, "451 MI:SFQ 163 smtp11,D8CowAB3,1", throttle, same, sender, 15min},
    {netease, "451 RP:QRC 163 smtp11,D8CowAB3,1", throttle, same, sender, 15min},
    {netease, "451 DT:SPM 163 smtp11,D8CowAB3,1, please try again", retry, same, recipient, 2min},
    {netease, "550 DT:SPM 163 smtp11,D8CowAB3,1", stop, same, recipient, usual},
    {netease, "550 RP:TRC 163 smtp11,D8CowAB3,1", retry, same, sender, 12h},
    {netease, "554 MI:STC 126 smtp11,D8CowAB3,1", retry, same, sender, 12h},
    {netease, "550 MI:SPF 163 smtp11,D8CowAB3,1", fix, same, sender, usual, "spf"},
    {netease, "550 MI:DMA 163 smtp11,D8CowAB3,1", fix, same, sender, usual, "dmarc"},
    {netease, "554 DT:SUM 163 smtp11,D8CowAB3,1", fix, same, sender, usual, "from"},
    {netease, "554 HL:IPB 163 smtp11,D8CowAB3,1", pause, same, receiver, usual},
    {netease, "554 HL:IHU 163 smtp11,D8CowAB3,1", pause, same, receiver, usual},
    {netease, "450 DT:RBL 163 smtp11,D8CowAB3,1", pause, same, receiver, usual},
    {netease, "553 Requested action not taken: NULL sender is not allowed", stop, same, recipient, usual},
};

const Example of_anyone[] = {
    {anyone, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", pause, same, domain, usual},
    {anyone, "554 5.7.1 refused: listed in zen.dnsbl.example", pause, same, domain, usual},
    {anyone, "550 Your address is on our blocklist", pause, same, domain, usual},
    {anyone, "550 5.7.1 192.0.2.1 has been blacklisted", pause, same, domain, usual},
    {anyone,
     "554-mx.example.net\n554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.", pause,
     same, domain, usual},
    {microsoft365, "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.", pause, same, domain, usual},
    {anyone, "450 4.2.0 <bob@example.net>: Recipient address rejected: Greylisted, see http://postgrey.example/help", retry, same,
     recipient, 10min},
    {anyone, "451 4.7.1 Greylisting in action, please come back in 00:05:00", retry, same, recipient, 5min},
    {anyone, "451 greylisted, please try again in 300 seconds", retry, same, recipient, 300s},
    {anyone, "450 4.7.1 Graylisted for 15 minutes", retry, same, recipient, 15min},
    {anyone, "451 灰名单，请5分钟后再试", retry, same, recipient, 5min},
    {anyone, "451 4.7.1 Please try again later", retry, same, recipient, 10min},
};

}  // namespace

std::vector<Example> reply_examples() {
  std::vector<Example> all;
  const auto add = [&all](const auto& examples) { all.insert(all.end(), std::begin(examples), std::end(examples)); };
  add(of_gmail);
  add(of_microsoft);
  add(of_yahoo_and_apple);
  add(of_chinese_receivers);
  add(of_anyone);
  return all;
}

}  // namespace world
