// The resolver that knows a table by heart.
#include <utility>

#include "dns/answer.h"
#include "dns/resolver.h"

namespace dns {
namespace {

constexpr base::Duration static_ttl = std::chrono::minutes(5);

Answer empty_answer(Status status) {
  Answer answer;
  answer.status = status;
  answer.ttl = static_ttl;
  return answer;
}

}  // namespace

void StaticResolver::add(std::string_view name, RecordType type, Record record) {
  const auto normal = normal_name(name);
  if (!normal) return;
  // Names above exist as well: RFC 8020.
  for (std::string_view above = *normal;; above.remove_prefix(above.find('.') + 1)) {
    names_.emplace(above);
    if (above.find('.') == std::string_view::npos) break;
  }
  auto& answer = answers_.try_emplace({*normal, type}, empty_answer(Status::found)).first->second;
  if (!answer) answer = empty_answer(Status::found);
  answer->records.push_back(std::move(record));
}

void StaticResolver::fail(std::string_view name, RecordType type) {
  const auto normal = normal_name(name);
  if (!normal) return;
  answers_.insert_or_assign({*normal, type}, base::fail(base::Kind::temporary, "DNS: SERVFAIL"));
}

void StaticResolver::query(std::string name, RecordType type, Callback done) {
  const auto normal = normal_name(name);
  if (!normal) {
    done(std::unexpected(normal.error()));
    return;
  }
  const auto found = answers_.find({*normal, type});
  if (found != answers_.end()) {
    done(found->second);
    return;
  }
  done(empty_answer(names_.contains(*normal) ? Status::no_data : Status::no_name));
}

}  // namespace dns
