// The records that a relay's mail needs, as they are pasted.
#include "relay/publish.h"

#include <algorithm>

#include "tests/catch.h"

namespace {

using relay::PublishedRecord;

base::IpAddress address(std::string_view text) { return base::IpAddress::parse(text).value(); }

relay::Publication publication() {
  relay::Publication all;
  all.hostname = "mail.mydomain.com";
  all.postmaster = "admin@mydomain.com";
  all.domains = {"a.com", "mydomain.com"};
  all.keys = {{"us", "mydomain.com", "v=DKIM1; k=rsa; p=AAAA"}, {"us", "a.com", "v=DKIM1; k=rsa; p=BBBB"}};
  all.relay = {address("34.56.78.90"), address("2001:db8::1")};
  return all;
}

/// "name type value", where there is such a record.
std::string value_of(const std::vector<PublishedRecord>& records, const std::string& name, const std::string& type) {
  const auto found =
      std::ranges::find_if(records, [&](const auto& record) { return record.name == name && record.type == type; });
  return found == records.end() ? "(none)" : found->value;
}

}  // namespace

TEST_CASE("the domain that the host lies in lists the addresses, the others include it") {
  const auto records = relay::records_to_publish(publication());
  CHECK(value_of(records, "mydomain.com", "TXT") == "v=spf1 a mx ip4:34.56.78.90 ip6:2001:db8::1 ~all");
  CHECK(value_of(records, "a.com", "TXT") == "v=spf1 mx include:mydomain.com ~all");
}

TEST_CASE("each domain has its own key record") {
  const auto records = relay::records_to_publish(publication());
  CHECK(value_of(records, "us._domainkey.mydomain.com", "TXT") == "v=DKIM1; k=rsa; p=AAAA");
  CHECK(value_of(records, "us._domainkey.a.com", "TXT") == "v=DKIM1; k=rsa; p=BBBB");
}

TEST_CASE("DMARC reports to another domain need that domain's consent") {
  const auto records = relay::records_to_publish(publication());
  CHECK(value_of(records, "_dmarc.mydomain.com", "TXT") == "v=DMARC1; p=none; rua=mailto:admin@mydomain.com");
  CHECK(value_of(records, "_dmarc.a.com", "TXT") == "v=DMARC1; p=none; rua=mailto:admin@mydomain.com");
  CHECK(value_of(records, "a.com._report._dmarc.mydomain.com", "TXT") == "v=DMARC1");
  CHECK(value_of(records, "mydomain.com._report._dmarc.mydomain.com", "TXT") == "(none)");
}

TEST_CASE("the host has addresses, an SPF record for bounces, and a PTR for each address") {
  const auto records = relay::records_to_publish(publication());
  CHECK(value_of(records, "mail.mydomain.com", "A") == "34.56.78.90");
  CHECK(value_of(records, "mail.mydomain.com", "AAAA") == "2001:db8::1");
  CHECK(value_of(records, "mail.mydomain.com", "TXT") == "v=spf1 a -all");
  CHECK(value_of(records, "90.78.56.34.in-addr.arpa", "PTR") == "mail.mydomain.com");
  CHECK(value_of(records, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR") ==
        "mail.mydomain.com");
}

TEST_CASE("an address that nobody knows is left to fill in, never guessed") {
  relay::Publication unknown = publication();
  unknown.relay.clear();
  const auto records = relay::records_to_publish(unknown);
  CHECK(value_of(records, "mail.mydomain.com", "A") == "<address of this server>");
  CHECK(value_of(records, "mydomain.com", "TXT") == "v=spf1 a mx ip4:<address of this server> ~all");
}

TEST_CASE("the name as the form of a provider wants it") {
  const auto name = [](const char* record_name, const char* zone) {
    PublishedRecord record;
    record.name = record_name;
    record.zone = zone;
    return relay::name_in_zone(record);
  };
  CHECK(name("mydomain.com", "mydomain.com") == "@");
  CHECK(name("us._domainkey.mydomain.com", "mydomain.com") == "us._domainkey");
  CHECK(name("us._domainkey.notmydomain.com", "mydomain.com") == "us._domainkey.notmydomain.com");
  CHECK(name("4.3.2.1.in-addr.arpa", "") == "4.3.2.1.in-addr.arpa");
}

TEST_CASE("a zone file gets strings of at most 255 octets") {
  PublishedRecord record;
  record.name = "us._domainkey.mydomain.com";
  record.type = "TXT";
  record.value = std::string(255, 'a') + std::string(155, 'b');
  CHECK(relay::bind_line(record) ==
        "us._domainkey.mydomain.com. IN TXT ( \"" + std::string(255, 'a') + "\" \"" + std::string(155, 'b') + "\" )");
  record.type = "PTR";
  record.value = "mail.mydomain.com";
  CHECK(relay::bind_line(record) == "us._domainkey.mydomain.com. IN PTR mail.mydomain.com.");
}
