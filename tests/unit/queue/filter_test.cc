// Filters: what each condition of the command line means, which mistakes are told, and that their text loses nothing.
#include "queue/filter.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"

using base::Kind;
using queue::Filter;
using queue::QueueId;
using queue::State;

namespace {

/// Noon and so many seconds.
base::Time at(std::int64_t seconds) {
  return std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::hours(12) + std::chrono::seconds(seconds);
}

QueueId id_of(std::uint64_t number) { return QueueId(QueueId::first_at(at(0)).value() + number); }

using Conditions = std::vector<std::pair<std::string, std::string>>;

/// The filter of a command line, at(0) being now; the first mistake ends it.
base::Result<Filter> filter_of(const Conditions& conditions) {
  Filter filter;
  for (const auto& [name, value] : conditions) {
    if (auto set = filter.set(name, value, at(0)); !set) return std::unexpected(set.error());
  }
  return filter;
}

}  // namespace

TEST_CASE("a filter without conditions selects the whole queue") {
  CHECK(Filter().is_empty());
  CHECK(Filter().to_text().empty());
  CHECK(Filter::parse("") == Filter());

  SECTION("also when it ends at a message, which no person asks for") {
    Filter filter;
    filter.until = id_of(7);
    CHECK(filter.is_empty());
    CHECK(filter != Filter());
  }
  SECTION("and any condition makes it select less") {
    const auto condition = GENERATE(values<std::pair<std::string, std::string>>({{"id", id_of(1).to_string()},
                                                                                 {"message-id", "a@b"},
                                                                                 {"from", "<>"},
                                                                                 {"to", "*@b.example"},
                                                                                 {"domain", "b.example"},
                                                                                 {"mx", "mx.b.example"},
                                                                                 {"state", "held"},
                                                                                 {"older", "1h"},
                                                                                 {"newer", "1h"},
                                                                                 {"reply", "full"}}));
    const auto filter = filter_of({condition});
    REQUIRE(filter);
    CHECK(!filter->is_empty());
    CHECK(Filter::parse(filter->to_text()) == *filter);
  }
}

TEST_CASE("the conditions of the command line") {
  SECTION("ids may come in any order and again") {
    const auto filter = filter_of({{"id", id_of(5).to_string()}, {"id", id_of(2).to_string()}, {"id", id_of(5).to_string()}});
    REQUIRE(filter);
    CHECK(filter->ids == std::vector<QueueId>{id_of(2), id_of(5)});
  }
  SECTION("patterns stay as they are, addresses lose their angle brackets") {
    const auto filter = filter_of({{"from", "<Bob@Abc.com>"},
                                   {"to", "r?@*.example"},
                                   {"mx", "*.Google.com"},
                                   {"reply", "Mailbox FULL"},
                                   {"message-id", "<1@abc.com>"}});
    REQUIRE(filter);
    CHECK(filter->from == "Bob@Abc.com");
    CHECK(filter->to == "r?@*.example");
    CHECK(filter->mx == "*.Google.com");
    CHECK(filter->reply == "Mailbox FULL");
    CHECK(filter->message_id == "<1@abc.com>");
  }
  SECTION("the null reverse-path is <>") { CHECK(filter_of({{"from", "<>"}})->from == "<>"); }
  SECTION("a domain is put into the queue's own spelling") {
    CHECK(filter_of({{"domain", "Abc.COM."}})->domain == "abc.com");
    CHECK(filter_of({{"domain", "[ipv6:2001:DB8:0::1]"}})->domain == "[IPv6:2001:db8::1]");
    CHECK(filter_of({{"domain", "Bücher.example"}})->domain == "xn--bcher-kva.example");
    CHECK(filter_of({{"domain", "*.bücher.example"}})->domain == "*.xn--bcher-kva.example");
    CHECK(filter_of({{"to", "*@bücher.example"}})->to == "*@xn--bcher-kva.example");
    CHECK(filter_of({{"domain", "*.Abc.com"}})->domain == "*.Abc.com");
  }
  SECTION("states are those of the store") {
    CHECK(filter_of({{"state", "Deferred"}})->state == State::deferred);
    CHECK(filter_of({{"state", "held"}})->state == State::held);
  }
  SECTION("ages count back from now") {
    const auto filter = filter_of({{"older", "1h"}, {"newer", "2d"}});
    REQUIRE(filter);
    CHECK(filter->before == at(0) - std::chrono::hours(1));
    CHECK(filter->since == at(0) - std::chrono::days(2));
  }
}

TEST_CASE("a mistake is told with the filter's name and the cure") {
  const auto [conditions, words] = GENERATE(values<std::pair<Conditions, std::string>>({
      {{{"id", "123"}}, "id: \"123\" is not a queue id (11 letters and digits)"},
      {{{"to", "abc.com"}}, "to: \"abc.com\" is not an address; write \"abc.com@*\" or \"*@abc.com\""},
      {{{"from", "bob@abc..com"}}, "from: \"abc..com\": a domain has no empty label; * and ? make a pattern"},
      {{{"to", "<>"}}, "to: \"<>\" is not an address; write \"<>@*\" or \"*@<>\""},
      {{{"from", ""}}, "from: the value is empty; the null reverse-path is \"<>\""},
      {{{"reply", ""}}, "reply: the value is empty"},
      {{{"domain", "bob@abc.com"}},
       "domain: \"bob@abc.com\" is not a domain; write \"abc.com\", or a pattern like \"*.abc.com\""},
      {{{"state", "bounced"}}, "state: \"bounced\" is not a state: "},
      {{{"older", "1 hour"}}, "older: \"1 hour\" is not a duration; write it like \"30s\", \"5m\", \"4h\" or \"5d\""},
      {{{"newer", "-1h"}}, "newer: "},
      {{{"older", "2d"}, {"newer", "1h"}},
       "newer: no message is both that old and that new; the age of newer must be the greater one"},
      {{{"newer", "1h"}, {"older", "1h"}},
       "older: no message is both that old and that new; the age of newer must be the greater one"},
      {{{"to", "a@b.example"}, {"to", "c@b.example"}}, "to: given twice; one value can hold * and ?"},
      {{{"older", "1h"}, {"older", "2h"}}, "older: given twice"},
      {{{"state", "held"}, {"state", "held"}}, "state: given twice"},
      {{{"reply", std::string(1001, 'x')}}, "reply: at most 1000 octets"},
      {{{"subject", "x"}}, "subject: unknown filter; known are id, message-id, from, to, domain, mx, state, older, newer, reply"},
  }));
  const auto filter = filter_of(conditions);
  REQUIRE(!filter);
  CHECK(filter.error().kind == Kind::invalid);
  CHECK(filter.error().words.substr(0, words.size()) == words);
}

TEST_CASE("one filter names a bounded number of ids") {
  Filter filter;
  for (std::uint32_t i = 0; i < Filter::most_ids; ++i) REQUIRE(filter.set("id", id_of(i).to_string(), at(0)));
  CHECK(filter.set("id", id_of(7).to_string(), at(0)));
  const auto more = filter.set("id", id_of(Filter::most_ids).to_string(), at(0));
  REQUIRE(!more);
  CHECK(more.error().words == "id: at most 10000 at once");
  CHECK(Filter::parse(filter.to_text()) == filter);
}

TEST_CASE("the text of a filter is read back as the same filter") {
  Filter filter;
  filter.ids = {id_of(1), id_of(9)};
  filter.message_id = "<*@abc.com>";
  filter.from = "\"two words\"@abc.com";
  filter.to = " leading and trailing ";
  filter.domain = "*";
  filter.mx = std::string("nul \0 and \xff", 11);
  filter.reply = "two\nlines, a \\ and a \\n";
  filter.state = State::held;
  filter.before = at(100);
  filter.since = base::Time(base::Duration(-5));
  filter.until = id_of(20);
  CHECK(Filter::parse(filter.to_text()) == filter);
}

TEST_CASE("the text of a filter is one condition a line") {
  Filter filter;
  filter.ids = {id_of(1)};
  filter.reply = "two\nlines";
  filter.state = State::deferred;
  filter.before = base::Time(base::Duration(1500));
  CHECK(filter.to_text() == "id " + id_of(1).to_string() + "\nreply two\\nlines\nstate deferred\nbefore 1500\n");
}

TEST_CASE("text that is no filter is refused with its line") {
  const auto text = GENERATE(values<std::string>({"colour red", "from", "from ", "id 1", "state gone", "before soon", "since 1x",
                                                  "before 9999999999999999", "until 0", "reply a\\", "reply \\t", " ", "\n"}));
  const auto filter = Filter::parse(text);
  REQUIRE(!filter);
  CHECK(filter.error().kind == Kind::invalid);
  CHECK(filter.error().words.starts_with("the filter has a line \""));
}
