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
/// Replies whose verdict is remembered; a power of two.
constexpr std::size_t remembered_verdicts = 1U << 16U;

constexpr std::int64_t last_of_all = std::numeric_limits<std::int64_t>::max();

// A message's own row may be missing when the database is damaged; its recipients are shown all the same.
constexpr std::string_view columns =
    "SELECT r.message, r.number, m.received, m.size, m.sender_local_part, m.sender_domain, r.local_part, r.destination, r.state, "
    "r.attempts, r.next_attempt, reply.mx, reply.words "
    "FROM recipient r LEFT JOIN message m ON m.id = r.message LEFT JOIN reply ON reply.id = r.reply ";

ListRow list_row_of(const Statement& row) {
  const auto text = [&row](int column) { return row.is_null(column) ? std::nullopt : std::optional(row.text(column)); };
  ListRow listed;
  listed.id = QueueId(row.unsigned_integer(0));
  listed.index = static_cast<std::uint32_t>(row.integer(1));
  listed.received = sane_time_of(row.integer(2));
  listed.size = static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(3), 0));
  listed.sender = sender_text(text(4), text(5));
  listed.recipient = mailbox_text(row.text(6), row.text(7));
  listed.state = state_of(row.integer(8));
  listed.attempts = static_cast<std::uint32_t>(row.integer(9));
  listed.next_attempt = sane_time_of(row.integer(10));
  listed.mx = row.text(11);
  listed.last_reply = row.text(12);
  return listed;
}

/// An address without wildcards is found by comparing its parts, which is faster than a pattern.
std::optional<mail::Mailbox> exact_mailbox(const std::string& pattern) {
  if (pattern.empty() || has_wildcard(pattern)) return std::nullopt;
  auto mailbox = mail::Mailbox::parse(pattern);
  return mailbox ? std::optional(std::move(*mailbox)) : std::nullopt;
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

std::vector<std::string> recipient_conditions(const Filter& filter) {
  std::vector<std::string> conditions;
  conditions.push_back(filter.state ? fmt::format("r.state = {}", static_cast<int>(*filter.state))
                                    : std::string("r.state NOT IN (3, 4, 5)"));
  if (exact_mailbox(filter.to)) {
    conditions.emplace_back("r.destination = ?6 AND r.local_part = ?5 COLLATE NOCASE");
  } else if (!filter.to.empty()) {
    conditions.emplace_back("wanted_recipient(r.local_part, r.destination)");
  }
  if (!exact_domain(filter.domain).empty()) {
    conditions.emplace_back("r.destination = ?7");
  } else if (!filter.domain.empty()) {
    conditions.emplace_back("wanted_domain(r.destination)");
  }
  if (!filter.mx.empty() || !filter.reply.empty()) conditions.emplace_back("wanted_reply(r.reply)");
  return conditions;
}

std::vector<std::string> message_conditions(const Filter& filter) {
  std::vector<std::string> conditions;
  if (filter.from == "<>") {
    conditions.emplace_back("m.sender_local_part IS NULL");
  } else if (exact_mailbox(filter.from)) {
    conditions.emplace_back("m.sender_domain = ?9 AND m.sender_local_part = ?8 COLLATE NOCASE");
  } else if (!filter.from.empty()) {
    conditions.emplace_back("wanted_sender(m.sender_local_part, m.sender_domain)");
  }
  if (!filter.message_id.empty()) conditions.emplace_back("wanted_message_id(m.message_id)");
  return conditions;
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
std::string list_sql(const Filter& filter) {
  std::vector<std::string> conditions = recipient_conditions(filter);
  const std::vector<std::string> of_message = message_conditions(filter);
  const std::string recipients = fmt::format("recipient r INDEXED BY {}", index_for(filter.state));
  std::string tables = recipients;
  std::string_view order = "r.message, r.number";
  conditions.insert(conditions.begin(), "(r.message, r.number) > (?1, ?2) AND r.message <= ?3");
  if (!of_message.empty() && begins_with_messages(filter)) {
    tables = fmt::format("message m CROSS JOIN {} ON r.message = m.id", recipients);
    order = "m.id, r.number";
    conditions.insert(conditions.begin(), of_message.begin(), of_message.end());
    conditions.insert(conditions.begin(), "m.id >= ?1 AND m.id <= ?3");
  } else if (!of_message.empty()) {
    tables = fmt::format("{} CROSS JOIN message m ON m.id = r.message", recipients);
    conditions.insert(conditions.end(), of_message.begin(), of_message.end());
  }
  return fmt::format("SELECT r.message, r.number FROM {} WHERE {} ORDER BY {} LIMIT ?4", tables, fmt::join(conditions, " AND "),
                     order);
}

std::string part_sql(const Filter& filter) {
  const bool with_state = has_index(filter.state);
  const std::string state = with_state ? fmt::format("state = {} AND ", static_cast<int>(*filter.state)) : std::string();
  return fmt::format(
      "SELECT message FROM recipient INDEXED BY {} WHERE {}message > ?1 ORDER BY message, number LIMIT 1 OFFSET ?2",
      index_for(filter.state), state);
}

void ReplyVerdicts::begin(const Filter& filter) {
  mx_ = filter.mx;
  part_ = base::lower(filter.reply);
  verdicts_.assign(mx_.empty() && part_.empty() ? 0 : remembered_verdicts, 0);
}

bool ReplyVerdicts::wanted(std::int64_t reply) {
  if (reply <= 0) return false;
  std::int64_t& place = verdicts_[static_cast<std::size_t>(reply) % verdicts_.size()];
  if (place >> 1U != reply) place = static_cast<std::int64_t>(static_cast<std::uint64_t>(reply) << 1U) | (judge(reply) ? 1 : 0);
  return (place & 1) != 0;
}

bool ReplyVerdicts::judge(std::int64_t reply) {
  Statement& row = read_reply_.bind(reply);
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) failure_ = std::unexpected(got.error());
  if (!got || !*got) return false;
  const std::string_view mx = row.text(0);
  if (!mx_.empty() && (mx.empty() || !base::matches_pattern(mx_, mx))) return false;
  return part_.empty() || contains(row.text(1), part_);
}

Result<void> ReplyVerdicts::take_failure() { return std::exchange(failure_, Result<void>()); }

/// One call of list(): its statements, and the values that are bound to them.
struct SqliteList::Search {
  Statement find;
  Statement part;
  mail::Mailbox recipient;
  std::string domain;
  mail::Mailbox sender;
};

Result<void> SqliteList::prepare() {
  const std::pair<Statement*, std::string> texts[] = {
      {&begin_, "BEGIN"},
      {&end_, "COMMIT"},
      {&row_, fmt::format("{} WHERE r.message=? AND r.number=?", columns)},
      {&rows_of_message_, fmt::format("{} WHERE r.message=? ORDER BY r.number", columns)},
      {&read_reply_, "SELECT mx, words FROM reply WHERE id=?"},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return add_predicates();
}

Result<void> SqliteList::add_predicates() {
  const auto address = [this](const Arguments& row) -> const std::string& {
    return buffer_ = mailbox_text(row.text(0), row.text(1));
  };
  const std::tuple<const char*, int, Predicate> predicates[] = {
      {"wanted_recipient", 2, [=, this](const Arguments& row) { return base::matches_pattern(filter_.to, address(row)); }},
      {"wanted_domain", 1, [this](const Arguments& row) { return base::matches_pattern(filter_.domain, row.text(0)); }},
      {"wanted_sender", 2,
       [=, this](const Arguments& row) {
         return base::matches_pattern(filter_.from, row.is_null(0) ? std::string_view("<>") : std::string_view(address(row)));
       }},
      {"wanted_message_id", 1,
       [this](const Arguments& row) {
         return base::matches_pattern(without_brackets(filter_.message_id), without_brackets(row.text(0)));
       }},
      {"wanted_reply", 1, [this](const Arguments& row) { return verdicts_.wanted(row.integer(0)); }},
  };
  for (const auto& [name, values, predicate] : predicates) {
    if (auto added = database_.add_predicate(name, values, predicate); !added) return added;
  }
  return {};
}

Result<SqliteList::Search> SqliteList::search_for(const Filter& filter) {
  filter_ = filter;
  verdicts_.begin(filter);
  Search search;
  auto find = database_.prepare(list_sql(filter));
  if (!find) return std::unexpected(find.error());
  search.find = std::move(*find);
  auto part = database_.prepare(part_sql(filter));
  if (!part) return std::unexpected(part.error());
  search.part = std::move(*part);
  search.recipient = exact_mailbox(filter.to).value_or(mail::Mailbox());
  search.domain = exact_domain(filter.domain);
  search.sender = exact_mailbox(filter.from).value_or(mail::Mailbox());
  return search;
}

// Ids are made of time, so that an age is a range of them.
Result<std::vector<ListRow>> SqliteList::list(const Filter& filter, QueueId after, std::uint32_t after_index, std::size_t limit) {
  std::vector<ListRow> rows;
  const auto number_of = [](QueueId id) { return static_cast<std::int64_t>(id.value()); };
  Place first{number_of(after), after_index};
  if (filter.since && number_of(QueueId::first_at(*filter.since)) > first.message) {
    first = Place{number_of(QueueId::first_at(*filter.since)), -1};
  }
  std::int64_t last = filter.until ? number_of(*filter.until) : last_of_all;
  if (filter.before) last = std::min(last, number_of(QueueId::first_at(*filter.before)) - 1);

  auto search = search_for(filter);
  if (!search) return std::unexpected(search.error());
  if (filter.ids.empty()) {
    if (auto looked = look(*search, first, last, limit, rows); !looked) return std::unexpected(looked.error());
    return rows;
  }
  for (const QueueId id : filter.ids) {
    const std::int64_t message = number_of(id);
    if (message < first.message || message > last) continue;
    if (rows.size() >= limit) break;
    const Place from = message == first.message ? first : Place{message, -1};
    if (auto looked = look_at_part(*search, from, message, limit, rows); !looked) return std::unexpected(looked.error());
  }
  return rows;
}

Result<void> SqliteList::look(Search& search, Place from, std::int64_t last, std::size_t limit, std::vector<ListRow>& rows) {
  for (std::uint64_t part = first_part; rows.size() < limit && from.message <= last; part = std::min(part * 4, largest_part)) {
    const auto end = end_of_part(search, from, last, part);
    if (!end) return std::unexpected(end.error());
    if (auto looked = look_at_part(search, from, *end, limit, rows); !looked) return looked;
    if (*end == last) return {};
    from = Place{*end + 1, -1};
  }
  return {};
}

Result<std::int64_t> SqliteList::end_of_part(Search& search, Place from, std::int64_t last, std::uint64_t part) {
  Statement& row = search.part.bind(from.message, part);
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) return std::unexpected(got.error());
  return *got ? std::min(row.integer(0), last) : last;
}

Result<void> SqliteList::look_at_part(Search& search, Place from, std::int64_t last, std::size_t limit,
                                      std::vector<ListRow>& rows) {
  const Snapshot snapshot(begin_, end_);
  if (!snapshot.begun()) return snapshot.begun();
  const std::uint64_t left = limit - rows.size();
  search.find.bind(from.message, from.number, last, left, search.recipient.local_part(), search.recipient.domain(), search.domain,
                   search.sender.local_part(), search.sender.domain());
  const auto found = all_rows<Place>(search.find, [](const Statement& row) { return Place{row.integer(0), row.integer(1)}; });
  if (!found) return std::unexpected(found.error());
  if (auto judged = verdicts_.take_failure(); !judged) return judged;
  return describe(*found, rows);
}

Result<void> SqliteList::describe(const std::vector<Place>& found, std::vector<ListRow>& rows) {
  for (const Place& place : found) {
    Statement& row = row_.bind(place.message, place.number);
    const ResetAtEnd reset(row);
    const auto got = row.step();
    if (!got) return std::unexpected(got.error());
    if (*got) rows.push_back(list_row_of(row));
  }
  return {};
}

Result<std::vector<ListRow>> SqliteList::recipients(QueueId id) {
  return all_rows<ListRow>(rows_of_message_.bind(id.value()), list_row_of);
}

}  // namespace queue
