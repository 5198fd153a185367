// The table of receivers: how it is read, and whose host is whose.
#include "conf/receivers.h"

#include "tests/unit/conf/files.h"

namespace {

/// What is wrong with a table; empty: nothing.
std::string mistakes_in(std::string_view table) {
  const auto read = conf::parse_receivers(table, "table.toml");
  return read ? "" : read.error().words;
}

std::string profile_name(std::string_view mx) {
  const conf::Profile* profile = conf::profile_of(mx);
  return profile == nullptr ? "" : profile->name;
}

const std::string two_profiles = "[[profile]]\nname = \"one\"\ntitle = \"One\"\n[[profile]]\nname = \"two\"\ntitle = \"Two\"\n";

}  // namespace

TEST_CASE("a host has the profile of its provider") {
  CHECK(profile_name("gmail-smtp-in.l.google.com") == "gmail");
  CHECK(profile_name("ASPMX3.GoogleMail.com") == "gmail");
  CHECK(profile_name("hotmail-com.olc.protection.outlook.com") == "outlook");
  CHECK(profile_name("example-com.mail.protection.outlook.com") == "microsoft365");
  CHECK(profile_name("example-com.b-v1.mx.microsoft") == "microsoft365");
  CHECK(profile_name("mta7.am0.yahoodns.net") == "yahoo");
  CHECK(profile_name("mx02.mail.icloud.com") == "icloud");
  CHECK(profile_name("mxbiz2.qq.com") == "exmail");
  CHECK(profile_name("mx1.qq.com") == "qq");
  CHECK(profile_name("163mx02.mxmail.netease.com") == "netease");
  CHECK(profile_name("mx.example.net") == "");
  CHECK(profile_name("google.com") == "");
  CHECK(profile_name("notgoogle.com") == "");
  CHECK(profile_name("") == "");
}

TEST_CASE("a rule of the table that names several receivers is one for each, in its place") {
  const auto read = conf::parse_receivers(two_profiles +
                                              "[[reply]]\nprovider = \"two, one\"\ntext = [\"a\"]\nwait = \"1m\"\n"
                                              "[[reply]]\ntext = [\"b\"]\n",
                                          "table.toml");
  REQUIRE(read);
  REQUIRE(read->replies.size() == 3);
  CHECK(read->replies[0].provider == "two");
  CHECK(read->replies[1].provider == "one");
  CHECK(read->replies[1].text == read->replies[0].text);
  CHECK(read->replies[1].wait == std::chrono::minutes(1));
  CHECK(read->replies[2].provider.empty());
}

TEST_CASE("mistakes in a table are told where they stand") {
  CHECK(mistakes_in("").empty());
  CHECK(mistakes_in(two_profiles).empty());
  CHECK(mistakes_in(two_profiles + "[[reply]]\nprovider = \"one, three\"\ntext = [\"a\"]\n")
            .find("no profile is called \"three\"") != std::string::npos);
  CHECK(mistakes_in("[[profile]]\nname = \"one\"\n").find("profile.title: missing") != std::string::npos);
  CHECK(mistakes_in("[[profile]]\nname = \"one\"\ntitle = \"One\"\nconnections = 0\n")
            .starts_with("table.toml:4:15: profile.connections: "));
  CHECK(mistakes_in("[[reply]]\nstatus = [\"x\"]\n").starts_with("table.toml:2:11: reply.status: "));
  CHECK(mistakes_in("[[reply]]\nacton = \"stop\"\n").find("did you mean action?") != std::string::npos);
  CHECK_FALSE(mistakes_in("[[reply\n").empty());
}

TEST_CASE("enhanced status codes are read alone and as ranges") {
  const auto range = conf::parse_status_range("4.7.500-4.7.699");
  REQUIRE(range);
  CHECK(range->level == 4);
  CHECK(range->subject == 7);
  CHECK(range->first == 500);
  CHECK(range->last == 699);
  CHECK(conf::parse_status_range("5.7.1")->last == 1);
  for (const char* wrong :
       {"", "5", "5.7", "5.7.1.1", "5.7.1-", "-5.7.1", "5.7.2-5.7.1", "4.7.1-5.7.2", "4.6.1-4.7.2", "5.7.1 ", "x"}) {
    INFO(wrong);
    CHECK_FALSE(conf::parse_status_range(wrong));
  }
}
