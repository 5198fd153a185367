// The fields that a relay writes itself: Received and its date.
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

#include "base/net.h"
#include "mail/folding.h"
#include "mail/header.h"

namespace mail {
namespace {

constexpr std::size_t longest_name = 255;  // RFC 5321 4.5.3.1.2

/// What stands for the client's name, whatever it said.
std::string shown_name(std::string_view helo) {
  constexpr std::string_view others = ".-_:[]";
  std::string name(helo.substr(0, longest_name));
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && others.find(c) == std::string_view::npos) c = '?';
  }
  return name.empty() ? "unknown" : name;
}

std::string shown_address(const std::string& address) {
  const auto parsed = base::IpAddress::parse(address);
  return parsed ? parsed->to_literal() : "unknown";
}

/// RFC 3848, RFC 6531 4.3.
std::string protocol(const Client& client, SmtpUtf8 utf8) {
  if (!client.extended) return "SMTP";
  return fmt::format("{}{}{}", utf8 == SmtpUtf8::absent ? "ESMTP" : "UTF8SMTP", client.tls.empty() ? "" : "S",
                     client.user.empty() ? "" : "A");
}

}  // namespace

std::string make_received(const ReceivedParts& parts) {
  FoldedField field("Received:", '\t');
  const bool is_local = parts.client != nullptr && parts.client->is_local();
  const bool over_network = parts.client != nullptr && !is_local;
  if (over_network && parts.show_client == ShowClient::yes) {
    field.add(fmt::format("from {}", shown_name(parts.client->helo)));
    field.add(fmt::format("({})", shown_address(parts.client->address)));
    field.fold();
  }
  field.add(fmt::format("by {}", parts.by));
  field.add(is_local ? fmt::format("(mailferry submit, uid {})", parts.client->address.substr(Client::user_mark.size()))
                     : "(mailferry)");
  if (over_network) {
    field.add(fmt::format("with {}", protocol(*parts.client, parts.utf8)));
    if (!parts.client->tls.empty()) field.add(fmt::format("({})", parts.client->tls));
  }
  const bool one_recipient = parts.only_recipient != nullptr && parts.only_recipient->mailbox.is_ascii();
  field.add(fmt::format("id {}{}", parts.id, one_recipient ? "" : ";"));
  field.fold();
  if (one_recipient) field.add(fmt::format("for <{}>;", parts.only_recipient->mailbox.to_string()));
  field.add(date_time(parts.when));
  return std::move(field).finish();
}

std::string date_time(base::Time when) {
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(when - day));
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace mail
