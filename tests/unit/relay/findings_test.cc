// What is remembered of recipients, and for how long.
#include "relay/intake/findings.h"

#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using relay::intake::Finding;
using relay::intake::Findings;
using relay::intake::Standing;

constexpr std::string_view route = "mx.example.net:25";
const mail::Mailbox bob("bob", "example.net");
const mail::Mailbox carol("carol", "example.net");
const Findings::Time start{1000h};

Finding finding(Standing standing, std::string words = "as it was said") {
  Finding made;
  made.standing = standing;
  made.words = std::move(words);
  return made;
}

const Finding known = finding(Standing::known);
const Finding unknown = finding(Standing::unknown, "550 5.1.1 no such user");
const Finding unsure = finding(Standing::unsure, "451 4.7.1 greylisted");

Finding unsure_of_all() {
  Finding made = finding(Standing::unsure, "cannot connect");
  made.of_all = true;
  return made;
}

}  // namespace

TEST_CASE("an answer counts for its time") {
  Findings findings({});
  CHECK_FALSE(findings.find(route, bob, start));
  CHECK(findings.add(route, bob, known, start) == known);
  CHECK(findings.find(route, bob, start + 11h) == known);
  CHECK_FALSE(findings.find(route, bob, start + 12h));
  findings.add(route, bob, unknown, start);
  CHECK(findings.find(route, bob, start + 9min) == unknown);
  CHECK_FALSE(findings.find(route, bob, start + 10min));
  findings.add(route, bob, unsure, start);
  CHECK(findings.find(route, bob, start + 29s) == unsure);
  CHECK_FALSE(findings.find(route, bob, start + 30s));
}

TEST_CASE("who was known stays known while his host says nothing, for a week") {
  Findings findings({});
  findings.add(route, bob, known, start);
  CHECK_FALSE(findings.find(route, bob, start + 24h));
  CHECK(findings.add(route, bob, unsure, start + 24h) == known);
  CHECK(findings.find(route, bob, start + 24h + 29s) == known);
  CHECK_FALSE(findings.find(route, bob, start + 24h + 30s));
  CHECK(findings.add(route, bob, unsure_of_all(), start + 167h) == known);
  CHECK(findings.add(route, bob, unsure_of_all(), start + 168h) == unsure_of_all());
}

TEST_CASE("who was known and is refused now is not known any more") {
  Findings findings({});
  findings.add(route, bob, known, start);
  CHECK(findings.add(route, bob, unknown, start + 24h) == unknown);
  CHECK(findings.find(route, bob, start + 24h) == unknown);
  CHECK(findings.add(route, bob, unsure, start + 25h) == unsure);
}

TEST_CASE("a host that cannot be asked is not asked about others either, for a moment") {
  Findings findings({});
  findings.add(route, carol, known, start);
  CHECK(findings.add(route, bob, unsure_of_all(), start + 24h) == unsure_of_all());
  CHECK(findings.find(route, bob, start + 24h) == unsure_of_all());
  CHECK(findings.find(route, mail::Mailbox("dave", "example.net"), start + 24h) == unsure_of_all());
  CHECK(findings.find(route, carol, start + 24h) == known);
  CHECK_FALSE(findings.find(route, mail::Mailbox("dave", "example.org"), start + 24h));
  CHECK_FALSE(findings.find(route, carol, start + 24h + 30s));
  CHECK_FALSE(findings.find(route, bob, start + 24h + 30s));
}

TEST_CASE("with another route nothing is known") {
  Findings findings({});
  findings.add(route, bob, known, start);
  CHECK_FALSE(findings.find("other.example.net:25", bob, start));
  CHECK_FALSE(findings.find(route, mail::Mailbox("Bob", "example.net"), start));  // whose case means something to its host
}

TEST_CASE("a dictionary of names is forgotten from its beginning, and those known stay") {
  Findings findings({});
  findings.add(route, bob, known, start);
  const auto stranger = [](std::size_t number) { return mail::Mailbox("x" + std::to_string(number), "example.net"); };
  for (std::size_t i = 0; i < Findings::most_of_a_half; ++i) findings.add(route, stranger(i), unknown, start);
  CHECK(findings.find(route, stranger(0), start) == unknown);  // used last now
  findings.add(route, stranger(Findings::most_of_a_half), unknown, start);
  findings.add(route, stranger(Findings::most_of_a_half + 1), unknown, start);
  CHECK(findings.size() == Findings::most_of_a_half + 1);
  CHECK(findings.find(route, stranger(0), start) == unknown);
  CHECK_FALSE(findings.find(route, stranger(1), start));
  CHECK_FALSE(findings.find(route, stranger(2), start));
  CHECK(findings.find(route, bob, start) == known);
}
