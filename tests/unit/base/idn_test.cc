// Internationalised domains: one ASCII form for each, and back.
#include "base/idn.h"

#include "tests/catch.h"

TEST_CASE("U-labels become A-labels, ASCII becomes lower case") {
  CHECK(base::to_a_labels("Bücher.Example") == "xn--bcher-kva.example");
  CHECK(base::to_a_labels("\xE4\xBE\x8B\xE5\xAD\x90.\xE6\xB5\x8B\xE8\xAF\x95") == "xn--fsqu00a.xn--0zwm56d");
  CHECK(base::to_a_labels("\xE4\xBE\x8B\xE3\x80\x82"
                          "example") == "xn--fsq.example");  // an ideographic full stop
  CHECK(base::to_a_labels("stra\xC3\x9F"
                          "e.example") == "xn--strae-oqa.example");  // not transitional: not strasse
  CHECK(base::to_a_labels("bu\xCC\x88"
                          "cher.example") == "xn--bcher-kva.example");  // decomposed
  CHECK(base::to_a_labels("Example.COM") == "example.com");
}

TEST_CASE("what IDNA 2008 does not know is refused") {
  const std::string bad =
      GENERATE(as<std::string>{}, "\xE2\x84\x80.example", "\xC3\xBC_x.example",
               "\xEF\xBC\xBB"
               "192.0.2.1\xEF\xBC\xBD",
               "\xFF.example", "\xE2\x98\xBA_.example", std::string("\xC3\xBC\0.example", 11), std::string(2000, '\xC3'));
  CHECK_FALSE(base::to_a_labels(bad).has_value());
}

TEST_CASE("A-labels become U-labels where that can be undone") {
  CHECK(base::to_u_labels("xn--bcher-kva.example") == "bücher.example");
  CHECK(base::to_u_labels("example.com") == "example.com");
  CHECK(base::to_u_labels("xn--a.example") == "xn--a.example");
  CHECK(base::to_u_labels("xn--\xFF") == "xn--\xFF");
}

TEST_CASE("a pattern keeps its wildcards") {
  CHECK(base::pattern_to_a_labels("*.Bücher.example") == "*.xn--bcher-kva.example");
  CHECK(base::pattern_to_a_labels("*") == "*");
  CHECK(base::pattern_to_a_labels("").value().empty());
  CHECK(base::pattern_to_a_labels("mx?.Example.com.") == "mx?.example.com.");
  CHECK_FALSE(base::pattern_to_a_labels("*bücher.example").has_value());
}
