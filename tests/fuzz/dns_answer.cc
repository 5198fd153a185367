// A DNS message from anybody: the first octet chooses the type that was asked for, the rest is the message; its question is
// always for "a.example".
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "dns/answer.h"
#include "dns/mx.h"

namespace {

void require(bool holds) {  // NOLINT: an assertion takes a truth value
  if (!holds) std::abort();
}

bool printable(std::string_view name) {
  for (const char c : name) {
    if (c <= 0x20 || c >= 0x7f || (c >= 'A' && c <= 'Z')) return false;
  }
  return true;
}

void check_record(const dns::Record& record, dns::RecordType type) {
  switch (type) {
    case dns::RecordType::a:
    case dns::RecordType::aaaa: require(std::holds_alternative<base::IpAddress>(record)); break;
    case dns::RecordType::mx: require(printable(std::get<dns::MxRecord>(record).exchange)); break;
    case dns::RecordType::ptr: require(printable(std::get<std::string>(record))); break;
    case dns::RecordType::txt: require(std::holds_alternative<std::string>(record)); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr dns::RecordType types[] = {dns::RecordType::a, dns::RecordType::mx, dns::RecordType::aaaa, dns::RecordType::txt,
                                       dns::RecordType::ptr};
  const auto type = types[data[0] % std::size(types)];
  const std::string message(data + 1, data + size);
  static_cast<void>(dns::is_format_error(message));
  const auto answer = dns::parse_answer(message, "a.example", type);
  if (!answer) {
    require(answer.error().kind == base::Kind::temporary);
    return 0;
  }
  require((answer->status == dns::Status::found) == !answer->records.empty());
  require(answer->ttl >= base::Duration(0));
  require(answer->records.size() * 11 <= message.size());
  for (const auto& record : answer->records) check_record(record, type);

  std::mt19937_64 random(1);
  const auto hosts = dns::mx_hosts("a.example", *answer, random);
  if (hosts) require(!hosts->empty() && hosts->size() <= 20);
  return 0;
}
