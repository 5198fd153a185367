// mailferry explain: what is printed, its exit codes, its JSON.
#include <boost/json.hpp>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/unit/relay/folder.h"
#include "tests/unit/relay/manual.h"
#include "tests/unit/relay/program.h"

namespace {

using namespace world;
namespace json = boost::json;

Ran explain(const std::string& arguments, const std::string& environment = "LC_ALL=C") {
  return run_command(environment + " " + MAILFERRY_PROGRAM + " explain " + arguments + " 2>&1 </dev/null");
}

json::object explain_json(const std::string& arguments) { return json::parse(explain(arguments + " --json").output).as_object(); }

std::string word(const json::object& object, const char* member) {
  const json::value& value = object.at(member);
  return value.is_null() ? "null" : std::string(value.as_string());
}

}  // namespace

TEST_CASE("explain tells in sentences what a reply means, what becomes of the mail and what to do") {
  const Ran ran = explain("'550 5.7.1 Unfortunately, messages from [192.0.2.1] were not sent (S3150).' --provider outlook",
                          "LC_ALL=C COLUMNS=200");
  CHECK(ran.code == 0);
  CHECK(ran.tells("Reply     550 5.7.1 Unfortunately"));
  CHECK(ran.tells("Receiver  Outlook.com\n"));
  CHECK(ran.tells("General   A code that begins with 5"));
  CHECK(ran.tells("Meaning   This relay's address"));
  CHECK(ran.tells("Action    mailferry stops sending to all that Outlook.com receives"));
  CHECK(ran.tells("To do     Find out what was sent"));
  CHECK(ran.tells("Links     https://sendersupport.olc.protection.outlook.com/pm/"));
  CHECK(ran.tells("Commands  mailferry queue pauses\n          mailferry queue resume '*.olc.protection.outlook.com'\n"));
  CHECK_FALSE(ran.tells("含义"));
}

TEST_CASE("explain speaks Chinese too where the locale is Chinese") {
  CHECK(explain("4.7.28", "LC_ALL=zh_CN.UTF-8").tells("含义"));
  CHECK(explain("4.7.28", "LC_ALL= LC_MESSAGES= LANG=zh_TW.UTF-8").tells("建议"));
  CHECK_FALSE(explain("4.7.28", "LC_ALL=en_US.UTF-8 LANG=zh_CN.UTF-8").tells("含义"));
}

TEST_CASE("explain needs no quotes, no code and no provider") {
  CHECK(explain("4.7.28").tells("Gmail, by what it says"));
  CHECK(explain("550 5.7.1 part of their network is on our block list S3140").tells("Outlook.com, by what it says"));
  CHECK(explain("'[TSS04] Messages from 192.0.2.1 temporarily deferred'").tells("Yahoo, by what it says"));
  CHECK(explain("'421 HL:REP 163 smtp1'").tells("163, by what it says"));
  CHECK(explain("'550 DT:SPM 163'").tells("for spam."));
  CHECK(explain("'host gmail-smtp-in.l.google.com[192.0.2.1] said: 550-5.7.26 a 550 5.7.26 b'").tells("Receiver  Gmail\n"));
  CHECK(explain("'451 greylisted'").code == 0);
}

TEST_CASE("a host or provider that is named counts, and nothing is guessed then") {
  CHECK(explain("'421 RP-001 x' --mx mx.example.net").code == 1);
  CHECK(explain("'421 RP-001 x' --mx hotmail-com.olc.protection.outlook.com").code == 0);
  CHECK(explain("'421 RP-001 x' --provider yahoo").code == 1);
  CHECK(explain("'421 RP-001 x' --provider OUTLOOK").code == 0);
  const Ran wrong = explain("'421 RP-001 x' --provider google");
  CHECK(wrong.code == 2);
  CHECK(wrong.tells("--provider is one of gmail, outlook"));
  CHECK(explain("").code == 2);
}

TEST_CASE("explain says no when it knows nothing but the class") {
  const Ran ran = explain("'554 Transaction failed'");
  CHECK(ran.code == 1);
  CHECK(ran.tells("A code that begins with 5"));
  CHECK_FALSE(ran.tells("Meaning"));
  CHECK(explain("'554 5.1.1 user unknown'").tells("does not know this address"));
  CHECK(explain("nonsense").code == 1);
  CHECK_FALSE(explain("nonsense").tells("General"));
  CHECK_FALSE(explain("nonsense").tells("Action"));
}

TEST_CASE("what stands in a reply cannot steer the terminal") {
  CHECK_FALSE(explain("\"$(printf '451 greylisted \\033[31mred')\"").tells("\033"));
}

TEST_CASE("rules of the configuration count, and mistakes in it are told") {
  const Folder folder;
  const std::string path = folder / "mailferry.toml";
  const std::string required = "hostname = \"mail.example.com\"\npostmaster = \"admin@example.com\"\n";
  REQUIRE(base::write_file_durably(
      path,
      required + "[[reply]]\nmx = \"*.example.net\"\ntext = [\"slow down\"]\naction = \"throttle\"\nmeaning = \"Their way.\"\n",
      0600));
  const Ran ran = explain("'550 please slow down' --mx mx.example.net -c " + path);
  CHECK(ran.code == 0);
  CHECK(ran.tells("Their way."));
  CHECK(explain("'550 please slow down' --mx mx.example.net").code == 1);
  REQUIRE(base::write_file_durably(path, "x = 1\n", 0600));
  CHECK(explain("'451 greylisted' -c " + path).tells("unknown key"));
  CHECK(explain("'451 greylisted' -c " + (folder / "missing.toml")).code == 1);
}

TEST_CASE("the JSON of explain has the members of the manual") {
  for (const char* reply : {"'421 4.7.0 very low reputation' --provider gmail", "'554 Transaction failed'", "4.7.28"}) {
    INFO(reply);
    CHECK(printed_members(explain_json(reply)) == documented_members("explain"));
  }
  const json::object known = explain_json("'421 4.7.28 SPF domain' --provider gmail");
  CHECK(word(known, "reply") == "421 4.7.28 SPF domain");
  CHECK(known.at("code").as_int64() == 421);
  CHECK(word(known, "status") == "4.7.28");
  CHECK(word(known, "receiver") == "gmail");
  CHECK(known.at("known").as_bool());
  CHECK_FALSE(known.at("guessed").as_bool());
  CHECK(word(known, "action") == "throttle");
  CHECK(word(known, "then") == "null");
  CHECK(word(known, "scope") == "sender");
  CHECK(known.at("wait_seconds").as_int64() == 600);
  CHECK(word(explain_json("'550 5.7.25 x' --provider gmail"), "record") == "ptr");
  CHECK(word(explain_json("'550 5.7.25 x' --provider gmail"), "then") == "pause");
  const json::object unknown = explain_json("nonsense");
  CHECK(word(unknown, "action") == "null");
  CHECK(unknown.at("code").is_null());
}
