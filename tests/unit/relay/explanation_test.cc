// Refusals in sentences, replies as people find them, and times in words.
#include "relay/explanation.h"

#include <algorithm>

#include "relay/reported_reply.h"
#include "tests/catch.h"
#include "tests/unit/relay/reply_examples.h"

namespace {

using namespace std::chrono_literals;
using namespace world;

relay::Explanation explained(const char* mx, std::string_view text, const std::string& recipient_domain = {}) {
  const relay::ReportedReply reported = relay::read_reported_reply(text);
  const auto meaning = relay::meaning_of(conf::defaults(), mx, reported.reply);
  return relay::explain(reported.reply, meaning, relay::Receiver{conf::profile_of(mx), mx, recipient_domain});
}

bool has(std::string_view text, std::string_view words) { return text.find(words) != std::string_view::npos; }

using Commands = std::vector<std::string>;

}  // namespace

TEST_CASE("the class of a reply is told in general") {
  CHECK(has(explained(anyone, "450 4.2.0 later").general.english, "a refusal for now"));
  CHECK(has(explained(anyone, "550 5.2.0 never").general.english, "a refusal for good"));
  CHECK(has(explained(anyone, "421 4.3.2 closing").general.english, "closes the connection"));
  CHECK(explained(anyone, "450 4.2.0 later").general.chinese == "以 4 开头的代码表示暂时拒绝：同一封邮件稍后可能会被接收。");
  CHECK(relay::explain(mail::Reply(250, "Ok"), {}, {}).general.english == "This is no refusal.");
}

TEST_CASE("where a provider means the other class it is said") {
  CHECK(has(explained(qq, "550 Ip frequency limited").general.english, "This receiver means it for now."));
  CHECK_FALSE(has(explained(qq, "550 Mail content denied").general.english, "means it"));
  CHECK_FALSE(has(explained(gmail, "421 4.7.28 too much").general.english, "means it"));
}

TEST_CASE("each action is told with its place, its time and what follows") {
  const auto deed = [](const char* mx, const char* reply) { return explained(mx, reply).deed.english; };
  CHECK(deed(anyone, "451 greylisted") == "mailferry tries again after 10 minutes.");
  CHECK(deed(gmail, "450 4.2.1 receiving mail at a rate") == "mailferry tries again after the usual delay.");
  CHECK(
      has(deed(gmail, "421 4.7.28 your IP address"), "after 10 minutes, and slows down all that Gmail receives: one connection"));
  CHECK(has(deed(gmail, "421 4.7.28 your SPF domain"), "slows down mail of this sender's domain to that receiver"));
  CHECK(deed(gmail, "550 5.1.1 no such user") == "mailferry gives the mail back to its sender.");
  CHECK(has(deed(gmail, "550 5.7.26 unauthenticated"), "keeps the mail for 4 hours and tells postmaster"));
  CHECK(has(deed(outlook, "550 5.7.1 (S3140)"), "stops sending to all that Outlook.com receives"));
  CHECK(has(deed(outlook, "550 5.7.1 (S3140)"), "every 30 minutes"));
  CHECK(has(deed(anyone, "554 listed by Spamhaus"), "stops sending to the recipient's domain"));
  CHECK(has(deed(yahoo, "553 [TSS11]"),
            "gives the mail back to its sender. From the third such refusal in a row it stops sending"));
}

TEST_CASE("a reply that no rule knows is told by its class and its words") {
  const relay::Explanation full = explained(anyone, "452 4.2.2 over quota");
  CHECK(full.known);
  CHECK(full.meaning.english == "The recipient's mailbox is full.");
  CHECK(has(full.deed.english, "tries again, later each time"));
  const relay::Explanation blocked = explained(anyone, "550 5.7.25 your address has no name");
  CHECK(has(blocked.meaning.english, "this relay"));
  CHECK_FALSE(has(blocked.meaning.english + blocked.meaning.chinese, "{"));
  const relay::Explanation nothing = explained(anyone, "554 Transaction failed");
  CHECK_FALSE(nothing.known);
  CHECK(nothing.meaning.english.empty());
  CHECK(has(nothing.advice.english, "[[reply]]"));
  CHECK(nothing.deed.english == "mailferry gives the mail back to its sender.");
}

TEST_CASE("what to mend, where to ask and which commands help") {
  const relay::Explanation spf = explained(gmail, "550 5.7.27 SPF authentication didn't pass");
  CHECK(has(spf.advice.english, "SPF record"));
  CHECK(spf.commands == Commands{"mailferry records", "mailferry queue retry --from '*@DOMAIN'"});
  const relay::Explanation ptr = explained(gmail, "550 5.7.25 no PTR");
  CHECK(has(ptr.advice.english, "PTR record"));
  CHECK(ptr.commands == Commands{"mailferry queue pauses", "mailferry queue resume '*.google.com'",
                                 "mailferry queue bounce --mx '*.google.com'"});
  const relay::Explanation listed = explained(anyone, "554 on the blocklist, see https://list.example/1", "example.com");
  CHECK(listed.links == Commands{"https://list.example/1"});
  CHECK(listed.commands ==
        Commands{"mailferry queue pauses", "mailferry queue resume example.com", "mailferry queue bounce --domain example.com"});
}

TEST_CASE("for a block the page that lifts it comes first, else the receiver's own link") {
  const std::string delist = "https://sendersupport.olc.protection.outlook.com/pm/";
  CHECK(explained(outlook, "550 5.7.1 (S3140)").links == Commands{delist});
  CHECK(explained(outlook, "550 5.7.1 (S3140) http://mail.live.com/x").links == Commands{delist, "http://mail.live.com/x"});
  CHECK(explained(gmail, "550 5.7.27 https://support.google.com/a#spf").links ==
        Commands{"https://support.google.com/a#spf", "https://support.google.com/a/answer/81126"});
  CHECK(explained(anyone, "451 greylisted").links.empty());
}

TEST_CASE("every example can be told in both languages") {
  for (const Example& example : reply_examples()) {
    INFO(example.reply);
    const relay::Explanation told = explained(example.mx, example.reply);
    CHECK(told.known);
    for (const relay::Sentence& sentence : {told.general, told.meaning, told.deed, told.advice}) {
      CHECK(sentence.english.ends_with('.'));
      CHECK(sentence.chinese.ends_with("。"));
    }
  }
}

TEST_CASE("times are spelled in whole units") {
  CHECK(relay::spelled(1s).english == "1 second");
  CHECK(relay::spelled(90s).english == "90 seconds");
  CHECK(relay::spelled(10min).english == "10 minutes");
  CHECK(relay::spelled(1h).english == "1 hour");
  CHECK(relay::spelled(24h).english == "24 hours");
  CHECK(relay::spelled(90min).chinese == "90 分钟");
}

TEST_CASE("a reply is read out of what logs put around it") {
  const auto read = [](std::string_view text) { return relay::read_reported_reply(text).reply.to_string(); };
  CHECK(read("550 5.7.1 no") == "550 5.7.1 no");
  CHECK(read("550-5.7.1 one 550-5.7.1 two 550 5.7.1 three") == "550 5.7.1 one two three");
  CHECK(read("554-one 554-two 554 three") == "554 one two 554 three");
  CHECK(read("host mx.example.net[192.0.2.1] said: 450 4.2.0 later (in reply to RCPT TO command)") == "450 4.2.0 later");
  CHECK(read("status=deferred (host mx[192.0.2.1]:25 said: 421-4.7.0 a 421 4.7.0 b (in reply to end of DATA command))") ==
        "421 4.7.0 a b");
  CHECK(read("smtp;550 5.1.1 no such user") == "550 5.1.1 no such user");
  CHECK(read("\"451 wait\"") == "451 wait\"");
  CHECK(read("  550") == "550");
  CHECK(read("host 192.0.2.450: 554 no") == "554 no");
}

TEST_CASE("it is known how much of the code was there") {
  const auto read = [](std::string_view text) { return relay::read_reported_reply(text); };
  CHECK(read("550 no").code == relay::CodeKnown::yes);
  CHECK(read("4.7.28").code == relay::CodeKnown::category);
  CHECK(read("4.7.28").reply.is_transient());
  CHECK(read("refused (#5.7.1)").code == relay::CodeKnown::category);
  CHECK(read("refused (#5.7.1)").reply.is_permanent());
  CHECK(read("[TSS04] Messages temporarily deferred").code == relay::CodeKnown::no);
  CHECK(read("").code == relay::CodeKnown::no);
}

TEST_CASE("a host of a known receiver is found in the text") {
  CHECK(relay::known_host_in("host Gmail-smtp-in.l.google.com[192.0.2.1] said: 550 no") == "gmail-smtp-in.l.google.com");
  CHECK(relay::known_host_in("550 x http://service.mail.qq.com/cgi-bin") == "service.mail.qq.com");
  CHECK(relay::known_host_in("550 mx.example.net. says no").empty());
  CHECK(relay::known_host_in("").empty());
}
