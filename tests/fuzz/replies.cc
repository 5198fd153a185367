// Fuzzes what replies mean: any text as a log would quote it, and as a host would send it, at every receiver with a profile.
// What is found stays within its bounds, and can be told.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "conf/receivers.h"
#include "relay/explanation.h"
#include "relay/reported_reply.h"

namespace {

using namespace std::chrono_literals;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_printable(std::string_view text) {
  return text.find_first_of("\r\n\t \x1b\x7f") == std::string_view::npos && base::is_ascii(text);
}

void check(const mail::Reply& reply, const conf::Profile* profile, const std::string& mx) {
  const auto meaning = relay::meaning_of(conf::defaults(), mx, reply);
  if (meaning) {
    require(reply.code >= 400 && reply.code < 600);
    require(!meaning->wait || (*meaning->wait >= 1s && *meaning->wait <= 24h));
    require(meaning->link.size() <= 300 && is_printable(meaning->link));
    require(meaning->link.empty() || base::starts_with_ignoring_case(meaning->link, "http"));
    require(meaning->rule->provider.empty() || (profile != nullptr && profile->name == meaning->rule->provider));
  }
  const relay::Explanation told = relay::explain(reply, meaning, relay::Receiver{profile, mx, "example.com"});
  require(!told.general.english.empty() && !told.general.chinese.empty());
  require(!meaning || (!told.meaning.english.empty() && !told.deed.chinese.empty()));
}

void check_everywhere(const mail::Reply& reply) {
  check(reply, nullptr, "");
  for (const conf::Profile& profile : conf::receivers().profiles) {
    std::string mx = profile.mx.front();
    mx.replace(mx.find('*'), 1, "1");
    check(reply, conf::profile_of(mx), mx);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const relay::ReportedReply reported = relay::read_reported_reply(text);
  require(reported.reply.code >= 400 && reported.reply.code < 600);
  check_everywhere(reported.reply);
  const std::string host = relay::known_host_in(text);
  require(host.empty() || conf::profile_of(host) != nullptr);
  mail::ReplyParser parser;
  parser.feed(text);
  for (auto reply = parser.next(); reply && *reply; reply = parser.next()) check_everywhere(**reply);
  return 0;
}
