// The table in place of DNS.
#include <optional>
#include <string>

#include "dns/resolver.h"
#include "tests/catch.h"

namespace {

using dns::MxRecord;
using dns::RecordType;
using dns::Status;

dns::Result<dns::Answer> ask(dns::Resolver& resolver, const std::string& name, RecordType type) {
  std::optional<dns::Result<dns::Answer>> told;
  resolver.query(name, type, [&](dns::Result<dns::Answer> answer) { told = std::move(answer); });
  REQUIRE(told.has_value());  // at once
  return *told;
}

}  // namespace

TEST_CASE("a world in a table") {
  dns::StaticResolver resolver;
  resolver.add("playground.example", RecordType::mx, MxRecord{10, "mx.playground.example"});
  resolver.add("Mx.Playground.Example.", RecordType::a, *base::IpAddress::parse("127.0.0.1"));
  resolver.add("mx.playground.example", RecordType::a, *base::IpAddress::parse("127.0.0.2"));
  resolver.fail("broken.example", RecordType::mx);

  CHECK(ask(resolver, "PLAYGROUND.example", RecordType::mx)->records.size() == 1);
  CHECK(ask(resolver, "mx.playground.example", RecordType::a)->records.size() == 2);
  CHECK(ask(resolver, "mx.playground.example", RecordType::aaaa)->status == Status::no_data);
  CHECK(ask(resolver, "example", RecordType::mx)->status == Status::no_data);
  CHECK(ask(resolver, "nowhere.example", RecordType::mx)->status == Status::no_name);
  CHECK(ask(resolver, "broken.example", RecordType::mx).error().kind == base::Kind::temporary);
  CHECK(ask(resolver, "no name", RecordType::mx).error().kind == base::Kind::invalid);
}
