// How a filter becomes SQL, and the search in short transactions.
#include "queue/sqlite_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "mail/address.h"
#include "queue/sqlite_rows.h"
#include "queue/sqlite_schema.h"
#include "queue/sqlite_snapshot.h"

namespace queue {
namespace {

/// Rows looked at in one transaction: few at first, since the first ones are often enough.
constexpr std::uint64_t first_part = 2'000;
constexpr std::uint64_t largest_part = 100'000;
constexpr std::int64_t last_of_all = std::numeric_limits<std::int64_t>::max();

// A message's own row may be missing when the database is damaged; its recipients are shown all the same.
constexpr std::string_view columns =
    "SELECT r.message, r.number, m.received, m.size, m.sender_local_part, m.sender_domain, r.local_part, r.destination, r.state, "
    "r.attempts, r.next_attempt, reply.mx, reply.words "
    "FROM recipient r LEFT JOIN message m ON m.id = r.message LEFT JOIN reply ON reply.id = r.reply ";

ListRow list_row_of(const Statement& row) {
  ListRow listed;
  listed.id = QueueId(row.unsigned_integer(0));
  listed.index = static_cast<std::uint32_t>(row.integer(1));
  listed.received = sane_time_of(row.integer(2));
  listed.size = static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(3), 0));
  listed.sender = sender_text(row.text_or_null(4), row.text_or_null(5));
  listed.recipient = mailbox_text(row.text(6), row.text(7));
  listed.state = state_of(row.integer(8));
  listed.attempts = static_cast<std::uint32_t>(row.integer(9));
  listed.next_attempt = sane_time_of(row.integer(10));
  listed.mx = row.text(11);
  listed.last_reply = row.text(12);
  return listed;
}

/// How a pattern on an address is decided. Comparing parts is faster than matching patterns.
struct AddressCondition {
  enum class By : std::uint8_t { nothing, mailbox, domain, domain_and_pattern, pattern };
  By by = By::nothing;
  std::string local_part;
  std::string domain;
};

AddressCondition condition_of(const std::string& pattern) {
  using By = AddressCondition::By;
  if (pattern.empty()) return {};
  if (!has_wildcard(pattern)) {
    const auto mailbox = mail::Mailbox::parse(pattern);
    return mailbox ? AddressCondition{By::mailbox, mailbox->local_part(), mailbox->domain()}
                   : AddressCondition{By::pattern, {}, {}};
  }
  // No domain has an "@", so what stands behind the last one is the domain.
  const std::size_t at = pattern.rfind('@');
  const std::string domain = at == std::string::npos ? std::string() : pattern.substr(at + 1);
  if (domain.empty() || domain.front() == '[' || has_wildcard(domain)) return {By::pattern, {}, {}};
  return {pattern.substr(0, at) == "*" ? By::domain : By::domain_and_pattern, {}, base::lower(domain)};
}

/// The condition in SQL, for the columns that are named, with numbers of parameters.
std::optional<std::string> address_sql(const AddressCondition& condition, std::string_view local_part, std::string_view domain,
                                       int parameter, std::string_view predicate) {
  std::string same_domain = fmt::format("{} = ?{}", domain, parameter + 1);
  std::string wanted = fmt::format("{}({}, {})", predicate, local_part, domain);
  switch (condition.by) {
    case AddressCondition::By::nothing: return std::nullopt;
    case AddressCondition::By::mailbox: return fmt::format("{} AND {} = ?{} COLLATE NOCASE", same_domain, local_part, parameter);
    case AddressCondition::By::domain: return same_domain;
    case AddressCondition::By::domain_and_pattern: return fmt::format("{} AND {}", same_domain, wanted);
    case AddressCondition::By::pattern: return wanted;
  }
  return std::nullopt;
}

/// A domain without wildcards, as it stands in the tables.
std::string exact_domain(const std::string& pattern) {
  if (pattern.empty() || has_wildcard(pattern)) return {};
  return pattern.starts_with('[') ? pattern : base::lower(pattern);
}

std::string_view without_brackets(std::string_view message_id) {
  if (message_id.starts_with('<')) message_id.remove_prefix(1);
  if (message_id.ends_with('>')) message_id.remove_suffix(1);
  return message_id;
}

bool contains(std::string_view text, std::string_view part_in_lower_case) {
  return std::ranges::search(text, part_in_lower_case, {}, base::to_lower).begin() != text.end();
}

using Conditions = std::vector<std::string>;

/// The cheapest ones, and those that leave the fewest rows, first.
Conditions recipient_conditions(const Filter& filter) {
  Conditions conditions;
  if (const auto to = address_sql(condition_of(filter.to), "r.local_part", "r.destination", 5, "wanted_recipient")) {
    conditions.push_back(*to);
  }
  if (!exact_domain(filter.domain).empty()) {
    conditions.emplace_back("r.destination = ?7");
  } else if (!filter.domain.empty()) {
    conditions.emplace_back("wanted_domain(r.destination)");
  }
  conditions.push_back(filter.state ? fmt::format("r.state = {}", static_cast<int>(*filter.state))
                                    : std::string("r.state NOT BETWEEN 3 AND 5"));
  if (!filter.mx.empty() || !filter.reply.empty()) conditions.emplace_back("wanted_reply(r.reply)");
  return conditions;
}

Conditions message_conditions(const Filter& filter) {
  Conditions conditions;
  if (filter.from == "<>") {
    conditions.emplace_back("m.sender_local_part IS NULL");
  } else if (const auto from =
                 address_sql(condition_of(filter.from), "m.sender_local_part", "m.sender_domain", 8, "wanted_sender")) {
    conditions.push_back(*from);
  }
  if (!filter.message_id.empty()) conditions.emplace_back("wanted_message_id(m.message_id)");
  return conditions;
}

void append(Conditions& conditions, const Conditions& more) { conditions.insert(conditions.end(), more.begin(), more.end()); }

bool wants_reply(const Filter& filter, std::string_view part_in_lower_case, std::string_view mx, std::string_view words) {
  if (!filter.mx.empty() && (mx.empty() || !base::matches_pattern(filter.mx, mx))) return false;
  return part_in_lower_case.empty() || contains(words, part_in_lower_case);
}

/// States whose recipients an index holds in the order of the list.
bool has_index(const std::optional<State>& state) { return state == State::queued || state == State::held; }

std::string_view index_for(const std::optional<State>& state) {
  if (!has_index(state)) return "sqlite_autoindex_recipient_1";  // the table itself
  return state == State::held ? "recipient_held" : "recipient_queued";
}

/// Conditions on recipients are expected to leave fewer rows than those on messages when they name addresses, or have an index.
bool begins_with_messages(const Filter& filter) { return filter.to.empty() && filter.domain.empty() && !has_index(filter.state); }

}  // namespace

// INDEXED BY turns another plan into an error. CROSS JOIN keeps the order of the tables.
std::string list_sql(const Filter& filter, Reach reach) {
  const bool whole = reach == Reach::messages;
  const std::string recipients = fmt::format("recipient r INDEXED BY {}", index_for(filter.state));
  const Conditions of_message = message_conditions(filter);
  Conditions conditions;
  std::string tables = recipients;
  if (!of_message.empty() && begins_with_messages(filter)) {
    tables = fmt::format("message m CROSS JOIN {} ON r.message = m.id", recipients);
    conditions.emplace_back(whole ? "m.id > ?1 AND m.id <= ?3" : "m.id = ?1 AND r.number > ?2");
    append(conditions, of_message);
    append(conditions, recipient_conditions(filter));
  } else {
    if (!of_message.empty()) tables = fmt::format("{} CROSS JOIN message m ON m.id = r.message", recipients);
    conditions.emplace_back(whole ? "r.message > ?1 AND r.message <= ?3" : "r.message = ?1 AND r.number > ?2");
    append(conditions, recipient_conditions(filter));
    append(conditions, of_message);
  }
  return fmt::format("SELECT r.message, r.number FROM {} WHERE {} ORDER BY {}, r.number LIMIT ?4", tables,
                     fmt::join(conditions, " AND "), tables.starts_with('m') ? "m.id" : "r.message");
}

std::string part_sql(const Filter& filter) {
  const bool with_state = has_index(filter.state);
  const std::string state = with_state ? fmt::format("state = {} AND ", static_cast<int>(*filter.state)) : std::string();
  return fmt::format(
      "SELECT message FROM recipient INDEXED BY {} WHERE {}message > ?1 ORDER BY message, number LIMIT 1 OFFSET ?2",
      index_for(filter.state), state);
}

/// One call of list(): its statements, the values that are bound to them, and what was found.
struct SqliteList::Search {
  Statement find;
  Statement find_rest;
  Statement part;
  AddressCondition recipient;
  std::string domain;
  AddressCondition sender;
  std::size_t limit = 0;
  std::vector<ListRow> rows;

  bool is_full() const { return rows.size() >= limit; }
  Statement& bind(Statement& statement, std::int64_t message, std::int64_t number, std::int64_t last) const {
    const std::uint64_t left = limit - rows.size();
    return statement.bind(message, number, last, left, recipient.local_part, recipient.domain, domain, sender.local_part,
                          sender.domain);
  }
};

Result<void> SqliteList::prepare() {
  const std::pair<Statement*, std::string> texts[] = {
      {&begin_, "BEGIN"},
      {&end_, "COMMIT"},
      {&row_, fmt::format("{} WHERE r.message=? AND r.number=?", columns)},
      {&rows_of_message_, fmt::format("{} WHERE r.message=? ORDER BY r.number", columns)},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  if (auto prepared = replies_.prepare(database_); !prepared) return prepared;
  return add_predicates();
}

Result<void> SqliteList::add_predicates() {
  const auto matches = [this](const std::string& pattern, const Arguments& row) {
    if (row.is_null(0)) return base::matches_pattern(pattern, "<>");
    mail::print_mailbox(buffer_, row.text(0), row.text(1));
    return base::matches_pattern(pattern, buffer_);
  };
  const auto reply = [this](const Arguments& row) {
    const auto verdict = verdicts_->of(row.integer(0));
    if (!verdict) failure_ = std::unexpected(verdict.error());
    return verdict.value_or(false);
  };
  const std::tuple<const char*, int, Predicate> predicates[] = {
      {"wanted_recipient", 2, [=, this](const Arguments& row) { return matches(filter_.to, row); }},
      {"wanted_sender", 2, [=, this](const Arguments& row) { return matches(filter_.from, row); }},
      {"wanted_domain", 1, [this](const Arguments& row) { return base::matches_pattern(filter_.domain, row.text(0)); }},
      {"wanted_message_id", 1,
       [this](const Arguments& row) {
         return base::matches_pattern(without_brackets(filter_.message_id), without_brackets(row.text(0)));
       }},
      {"wanted_reply", 1, reply},
  };
  for (const auto& [name, values, predicate] : predicates) {
    if (auto added = database_.add_predicate(name, values, predicate); !added) return added;
  }
  return {};
}

Result<SqliteList::Search> SqliteList::search_for(const Filter& filter, std::size_t limit) {
  filter_ = filter;
  verdicts_.emplace(replies_, false, [&filter = filter_, part = base::lower(filter.reply)](auto mx, auto words) {
    return wants_reply(filter, part, mx, words);
  });
  Search search;
  search.recipient = condition_of(filter.to);
  search.domain = exact_domain(filter.domain);
  search.sender = condition_of(filter.from);
  search.limit = limit;
  const std::pair<Statement*, std::string> texts[] = {
      {&search.find, list_sql(filter, Reach::messages)},
      {&search.find_rest, list_sql(filter, Reach::rest_of_message)},
      {&search.part, part_sql(filter)},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return search;
}

// Ids are made of time, so that an age is a range of them.
Result<std::vector<ListRow>> SqliteList::list(const Filter& filter, QueueId after, std::uint32_t after_index, std::size_t limit) {
  const auto number_of = [](QueueId id) { return static_cast<std::int64_t>(id.value()); };
  const std::int64_t since = filter.since ? number_of(QueueId::first_at(*filter.since)) : 0;
  std::int64_t last = filter.until ? number_of(*filter.until) : last_of_all;
  if (filter.before) last = std::min(last, number_of(QueueId::first_at(*filter.before)) - 1);
  const Place cursor{number_of(after), after_index};
  const std::int64_t begin = std::max(cursor.message, since - 1);

  auto search = search_for(filter, limit);
  if (!search) return std::unexpected(search.error());
  Result<void> looked;
  const bool rest_is_wanted = filter.ids.empty() || std::ranges::binary_search(filter.ids, after);
  if (rest_is_wanted && cursor.message >= since && cursor.message <= last) looked = look_at_rest(*search, cursor);
  if (looked && filter.ids.empty()) looked = look(*search, begin, last);
  for (const QueueId id : filter.ids) {
    if (!looked || search->is_full()) break;
    if (number_of(id) > begin && number_of(id) <= last) looked = look_at_part(*search, number_of(id) - 1, number_of(id));
  }
  if (!looked) return std::unexpected(looked.error());
  return std::move(search->rows);
}

Result<void> SqliteList::look_at_rest(Search& search, Place after) {
  return search.is_full() ? Result<void>()
                          : collect(search, search.bind(search.find_rest, after.message, after.number, after.message));
}

Result<void> SqliteList::look(Search& search, std::int64_t after, std::int64_t last) {
  for (std::uint64_t part = first_part; !search.is_full() && after < last; part = std::min(part * 4, largest_part)) {
    const auto end = end_of_part(search, after, last, part);
    if (!end) return std::unexpected(end.error());
    if (auto looked = look_at_part(search, after, *end); !looked) return looked;
    after = *end;
  }
  return {};
}

Result<std::int64_t> SqliteList::end_of_part(Search& search, std::int64_t after, std::int64_t last, std::uint64_t part) {
  Statement& row = search.part.bind(after, part);
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) return std::unexpected(got.error());
  return *got ? std::min(row.integer(0), last) : last;
}

Result<void> SqliteList::look_at_part(Search& search, std::int64_t after, std::int64_t last) {
  return collect(search, search.bind(search.find, after, 0, last));
}

// A verdict may be of a reply that went meanwhile and left its number to another one.
Result<void> SqliteList::collect(Search& search, Statement& find) {
  const Snapshot snapshot(begin_, end_);
  if (!snapshot.begun()) return snapshot.begun();
  const auto found = all_rows<Place>(find, [](const Statement& row) { return Place{row.integer(0), row.integer(1)}; });
  if (!found) return std::unexpected(found.error());
  if (auto judged = std::exchange(failure_, Result<void>()); !judged) return judged;
  const std::string part = base::lower(filter_.reply);
  for (const Place& place : *found) {
    const auto rows = all_rows<ListRow>(row_.bind(place.message, place.number), list_row_of);
    if (!rows) return std::unexpected(rows.error());
    for (const ListRow& row : *rows) {
      if (wants_reply(filter_, part, row.mx, row.last_reply)) search.rows.push_back(row);
    }
  }
  return {};
}

Result<std::vector<ListRow>> SqliteList::recipients(QueueId id) {
  return all_rows<ListRow>(rows_of_message_.bind(id.value()), list_row_of);
}

}  // namespace queue
