// From a status or words to a cause, by tables. Statuses are asked first where they are precise; the many receivers that
// say 5.7.1 or nothing are understood by their words.
#include "mail/advice.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace mail {
namespace {

/// What we put before the words that decided, outermost first.
constexpr std::string_view gave_up_prefix = "gave up, expired: ";
constexpr std::string_view rests_prefix = "the destination rests: ";

/// Details from..to of a subject (RFC 3463 and its registry; 7.26 and on also as Gmail and Microsoft use them). Category 0: any.
struct StatusRow {
  std::uint16_t category;
  std::uint16_t subject;
  std::uint16_t from;
  std::uint16_t to;
  Cause cause;
};
constexpr std::array<StatusRow, 40> precise_statuses{{
    {0, 1, 1, 1, Cause::no_mailbox},
    {0, 1, 2, 2, Cause::no_domain},
    {0, 1, 3, 3, Cause::bad_address},
    {0, 1, 4, 6, Cause::no_mailbox},
    {0, 1, 7, 8, Cause::sender_refused},
    {0, 1, 10, 10, Cause::no_mail_service},
    {0, 2, 2, 2, Cause::mailbox_full},
    {0, 2, 3, 3, Cause::too_large},
    {0, 3, 1, 3, Cause::busy},
    {0, 3, 4, 4, Cause::too_large},
    {0, 4, 1, 2, Cause::cannot_connect},
    {0, 4, 3, 3, Cause::dns_trouble},
    {0, 4, 4, 4, Cause::no_domain},
    {0, 4, 5, 5, Cause::busy},
    {0, 4, 6, 6, Cause::loop},
    {0, 4, 7, 7, Cause::time_over},
    {0, 5, 1, 2, Cause::protocol},
    {0, 5, 3, 3, Cause::rate},
    {0, 5, 4, 5, Cause::protocol},
    {0, 6, 7, 7, Cause::no_utf8},
    {0, 6, 9, 9, Cause::no_utf8},
    {0, 6, 1, 10, Cause::form},
    {0, 7, 2, 2, Cause::policy},
    {0, 7, 4, 6, Cause::tls},
    {0, 7, 8, 8, Cause::relay_denied},
    {0, 7, 10, 11, Cause::tls},
    {0, 7, 13, 13, Cause::mailbox_closed},
    {0, 7, 20, 24, Cause::authentication},
    {0, 7, 25, 25, Cause::reverse_name},
    {0, 7, 26, 26, Cause::authentication},
    {0, 7, 27, 27, Cause::authentication},
    {0, 7, 28, 28, Cause::rate},
    {0, 7, 30, 32, Cause::authentication},
    {0, 7, 40, 40, Cause::authentication},
    {0, 7, 509, 509, Cause::authentication},
    {0, 7, 511, 511, Cause::blocked},
    {0, 7, 515, 515, Cause::authentication},
    {0, 7, 606, 649, Cause::blocked},
    {4, 7, 500, 699, Cause::rate},
    {0, 7, 708, 708, Cause::rate},
}};

/// For statuses that say no more than a subject, when the words say nothing either.
constexpr std::array<StatusRow, 4> vague_statuses{{{0, 2, 0, 1, Cause::mailbox_closed},
                                                   {5, 7, 0, 999, Cause::policy},
                                                   {5, 6, 0, 999, Cause::form},
                                                   {5, 5, 0, 999, Cause::protocol}}};

struct WordRow {
  std::string_view words;  ///< in lower case
  Cause cause;
};

/// Receivers' words; the first that is found counts, so what is said in passing ("spam") stands behind what is meant.
constexpr std::array<WordRow, 75> receivers_words{{
    {"relay access denied", Cause::relay_denied},
    {"relaying denied", Cause::relay_denied},
    {"relay denied", Cause::relay_denied},
    {"relay not permitted", Cause::relay_denied},
    {"relaying not", Cause::relay_denied},
    {"unable to relay", Cause::relay_denied},
    {"not permitted to relay", Cause::relay_denied},
    {"authentication required", Cause::relay_denied},
    {"user unknown", Cause::no_mailbox},
    {"unknown user", Cause::no_mailbox},
    {"unknown recipient", Cause::no_mailbox},
    {"recipient unknown", Cause::no_mailbox},
    {"no such user", Cause::no_mailbox},
    {"no such recipient", Cause::no_mailbox},
    {"no such mailbox", Cause::no_mailbox},
    {"no mailbox here", Cause::no_mailbox},
    {"user not found", Cause::no_mailbox},
    {"user doesn't exist", Cause::no_mailbox},
    {"mailbox not found", Cause::no_mailbox},
    {"recipient not found", Cause::no_mailbox},
    {"invalid recipient", Cause::no_mailbox},
    {"invalid mailbox", Cause::no_mailbox},
    {"does not exist", Cause::no_mailbox},
    {"inactive", Cause::mailbox_closed},
    {"disabled", Cause::mailbox_closed},
    {"suspended", Cause::mailbox_closed},
    {"mailbox full", Cause::mailbox_full},
    {"mailbox is full", Cause::mailbox_full},
    {"over quota", Cause::mailbox_full},
    {"overquota", Cause::mailbox_full},
    {"quota exceeded", Cause::mailbox_full},
    {"exceeded storage", Cause::mailbox_full},
    {"too large", Cause::too_large},
    {"too big", Cause::too_large},
    {"size limit", Cause::too_large},
    {"message size exceeds", Cause::too_large},
    {"suspected spam ip", Cause::blocked},
    {"spamhaus", Cause::blocked},
    {"zen.", Cause::blocked},
    {"blocklist", Cause::blocked},
    {"block list", Cause::blocked},
    {"blacklist", Cause::blocked},
    {"black list", Cause::blocked},
    {"blocked using", Cause::blocked},
    {"reputation", Cause::blocked},
    {"banned", Cause::blocked},
    {"hl:ipb", Cause::blocked},
    {"hl:ihu", Cause::blocked},
    {"dt:rbl", Cause::blocked},
    {"frequency limited", Cause::rate},
    {"rate limit", Cause::rate},
    {"ratelimit", Cause::rate},
    {"at a rate", Cause::rate},
    {"throttl", Cause::rate},
    {"too many", Cause::rate},
    {"hl:rep", Cause::rate},
    {"hl:icc", Cause::rate},
    {"hl:ifc", Cause::rate},
    {"rp:qrc", Cause::rate},
    {"rp:trc", Cause::rate},
    {"mi:sfq", Cause::rate},
    {"mi:stc", Cause::rate},
    {"greylist", Cause::busy},
    {"graylist", Cause::busy},
    {"reverse dns", Cause::reverse_name},
    {"ptr record", Cause::reverse_name},
    {"spf", Cause::authentication},
    {"dkim", Cause::authentication},
    {"dmarc", Cause::authentication},
    {"unauthenticated", Cause::authentication},
    {"mi:dma", Cause::authentication},
    {"dt:sum", Cause::authentication},
    {"virus", Cause::content},
    {"content denied", Cause::content},
    {"spam", Cause::content},
}};

/// Our own words (mail/, dns/ and relay/ write them), with subject and detail of RFC 3463.
struct OwnRow {
  std::string_view words;
  Cause cause;
  OwnStatus status;
};
constexpr std::array<OwnRow, 21> own_words{{
    {"no such domain", Cause::no_domain, {1, 2}},
    {"accepts no mail (null MX)", Cause::no_mail_service, {1, 10}},
    {"no address found for", Cause::no_domain, {4, 4}},
    {"is not an address literal", Cause::bad_address, {1, 3}},
    {"not a name that DNS can hold", Cause::bad_address, {1, 3}},
    {"DNS:", Cause::dns_trouble, {4, 3}},
    {"SMTPUTF8, which the header needs", Cause::no_utf8, {6, 9}},
    {"SMTPUTF8", Cause::no_utf8, {6, 7}},
    {"REQUIRETLS", Cause::no_requiretls, {7, 30}},
    {"STARTTLS", Cause::tls, {7, 10}},
    {"is not to be trusted", Cause::tls, {7, 10}},
    {"TLS handshake", Cause::tls, {7, 10}},
    {"cannot connect", Cause::cannot_connect, {4, 1}},
    {"timed out waiting for the connection", Cause::cannot_connect, {4, 1}},
    {"timed out waiting", Cause::cannot_connect, {4, 2}},
    {"lost the connection", Cause::cannot_connect, {4, 2}},
    {"does not speak SMTP", Cause::protocol, {5, 0}},
    {"makes no sense here", Cause::protocol, {5, 0}},
    {"administrator", Cause::returned_by_admin, {7, 0}},
    {"content file", Cause::relay_trouble, {3, 0}},
    {"never attempted", Cause::time_over, {4, 7}},
}};

const OwnRow* find_own(std::string_view words) {
  const auto* row =
      std::ranges::find_if(own_words, [&](const OwnRow& own) { return words.find(own.words) != std::string_view::npos; });
  return row == own_words.end() ? nullptr : row;
}

template <std::size_t count>
std::optional<Cause> find_status(const std::array<StatusRow, count>& rows, EnhancedStatus status) {
  for (const StatusRow& row : rows) {
    const bool category = row.category == 0 || row.category == status.category;
    if (category && row.subject == status.subject && status.detail >= row.from && status.detail <= row.to) return row.cause;
  }
  return std::nullopt;
}

bool starts_with_code(std::string_view words) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return words.size() >= 3 && words[0] >= '2' && words[0] <= '5' && is_digit(words[1]) && is_digit(words[2]) &&
         (words.size() == 3 || words[3] == ' ');
}

}  // namespace

Told::Told(std::string_view reply) : words(base::trim(reply)) {
  for (;;) {
    if (words.starts_with(gave_up_prefix)) {
      gave_up = true;
      words.remove_prefix(gave_up_prefix.size());
    } else if (words.starts_with(rests_prefix)) {
      words.remove_prefix(rests_prefix.size());
    } else {
      break;
    }
  }
  if (starts_with_code(words)) speaker = Speaker::receiver;
}

std::optional<OwnStatus> status_of_own_words(std::string_view words) {
  const OwnRow* row = find_own(words);
  if (row == nullptr) return std::nullopt;
  return row->status;
}

Cause cause_of(const Told& told, EnhancedStatus status) {
  if (told.speaker == Told::Speaker::relay) {
    if (const OwnRow* row = find_own(told.words)) return row->cause;
  }
  // 5.7.30 is that of RFC 8689, and Gmail's for DKIM.
  if (told.words.find("REQUIRETLS") != std::string_view::npos) return Cause::no_requiretls;
  if (const auto cause = find_status(precise_statuses, status)) return *cause;
  if (told.speaker == Told::Speaker::relay) return told.gave_up ? Cause::time_over : Cause::not_handed_over;
  const std::string words = base::lower(told.words);
  for (const WordRow& row : receivers_words) {
    if (words.find(row.words) != std::string::npos) return row.cause;
  }
  if (const auto cause = find_status(vague_statuses, status)) return *cause;
  return status.category == 4 ? Cause::busy : Cause::refused;
}

}  // namespace mail
