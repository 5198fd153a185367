// Received and Date as a relay writes them.
#include "mail/header.h"

#include "base/text.h"
#include "tests/catch.h"

using mail::Client;
using mail::Recipient;

namespace {

constexpr base::Time noon{base::Duration(1795523974123)};  // 2026-11-24T12:39:34.123Z

Client home() {
  Client client;
  client.helo = "home.example";
  client.address = "192.0.2.1";
  client.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  client.extended = true;
  return client;
}

std::string received(const Client* client, const Recipient* recipient = nullptr) {
  mail::ReceivedParts parts;
  parts.by = "mx.example.com";
  parts.id = "01J8ZQ4K7M";
  parts.client = client;
  parts.only_recipient = recipient;
  parts.when = noon;
  return mail::make_received(parts);
}

}  // namespace

TEST_CASE("a date is written as RFC 5322 has it") {
  CHECK(mail::date_time(noon) == "Tue, 24 Nov 2026 12:39:34 +0000");
  CHECK(mail::date_time(base::Time(base::Duration(0))) == "Thu, 1 Jan 1970 00:00:00 +0000");
  CHECK(mail::date_time(base::Time(base::Duration(1709164799999))) == "Wed, 28 Feb 2024 23:59:59 +0000");
  CHECK(mail::date_time(base::Time(base::Duration(1709164800000))) == "Thu, 29 Feb 2024 00:00:00 +0000");
}

TEST_CASE("Received of mail of this machine tells the user and nothing more") {
  Client client = home();
  client.address = "uid:1000";
  client.tls.clear();
  CHECK(received(&client) ==
        "Received: by mx.example.com (mailferry submit, uid 1000) id 01J8ZQ4K7M;\r\n\tTue, 24 Nov 2026 12:39:34 +0000\r\n");
}

TEST_CASE("Received tells who came, how, to whom and when") {
  const Client client = home();
  const Recipient bob(mail::Mailbox("bob", "example.net"));
  CHECK(received(&client, &bob) ==
        "Received: from home.example ([192.0.2.1])\r\n"
        "\tby mx.example.com (mailferry) with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        "\tid 01J8ZQ4K7M\r\n"
        "\tfor <bob@example.net>; Tue, 24 Nov 2026 12:39:34 +0000\r\n");
}

TEST_CASE("Received tells of SMTPUTF8, and stays ASCII itself") {
  const Client client = home();
  const Recipient to(mail::Mailbox("j\xC3\xBCrgen", "example.net"));
  mail::ReceivedParts parts;
  parts.by = "mx.example.com";
  parts.id = "01J8ZQ4K7M";
  parts.client = &client;
  parts.only_recipient = &to;
  parts.utf8 = mail::SmtpUtf8::given;
  const std::string field = mail::make_received(parts);
  CHECK(field.find(" with UTF8SMTPS ") != std::string::npos);
  CHECK(field.find("\tfor ") == std::string::npos);
  CHECK(base::is_ascii(field));
}

TEST_CASE("Received says whether a password was right, as RFC 3848 names it") {
  Client client = home();
  client.user = "alice";
  CHECK(received(&client).find(" with ESMTPSA ") != std::string::npos);
  client.tls.clear();
  CHECK(received(&client).find(" with ESMTPA ") != std::string::npos);
  CHECK(received(&client).find("alice") == std::string::npos);
}

TEST_CASE("Received names several recipients not at all") {
  Client client = home();
  client.tls.clear();
  client.address = "2001:db8::1";
  CHECK(received(&client) ==
        "Received: from home.example ([IPv6:2001:db8::1])\r\n"
        "\tby mx.example.com (mailferry) with ESMTP id 01J8ZQ4K7M;\r\n"
        "\tTue, 24 Nov 2026 12:39:34 +0000\r\n");
  client.extended = false;
  CHECK(received(&client).find(" with SMTP id ") != std::string::npos);
}

TEST_CASE("Received of our own mail has no client") {
  CHECK(received(nullptr) == "Received: by mx.example.com (mailferry) id 01J8ZQ4K7M;\r\n\tTue, 24 Nov 2026 12:39:34 +0000\r\n");
}

TEST_CASE("nobody writes into Received what is not his") {
  Client client = home();
  client.helo = GENERATE(as<std::string>{}, "x (evil) by y;\r\nSubject: z", "a\nb", "(", "\xFF\x80", "a b c", "", "\"quoted\"");
  client.address = "nonsense) (";
  const std::string field = received(&client);
  CHECK(field.find("by mx.example.com") < field.find("id 01J8ZQ4K7M"));
  std::size_t lines = 0;
  for (std::size_t i = field.find("\r\n"); i != std::string::npos; i = field.find("\r\n", i + 1)) {
    ++lines;
    CHECK((i + 2 == field.size() || field[i + 2] == '\t'));
  }
  CHECK(lines == 4);
  const std::string from = field.substr(0, field.find("\r\n"));
  CHECK(base::words(from).size() == 4);
  CHECK(from.ends_with(" (unknown)"));
}

TEST_CASE("lines are folded where they can be") {
  Client client = home();
  client.helo = std::string(60, 'h') + ".example";
  const Recipient bob(mail::Mailbox(std::string(50, 'b'), "example.net"));
  const std::string field = received(&client, &bob);
  for (const auto line : base::split(field, '\n')) CHECK(line.size() <= 79);
}
