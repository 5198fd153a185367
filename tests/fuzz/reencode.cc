// Fuzzes the walk through parts and the mending of long lines: what is made anew is the same however it is cut, has no line over
// 998 octets unless the plan says so, needs no mending itself, and keeps what was short. The first octet chooses the cut.
#include "mail/reencode.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mail/data.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// As the server hands content on: CR LF ends every line.
std::string content_of(std::string_view input) {
  mail::LineEnds ends;
  std::string content;
  ends.consume(input, content);
  ends.finish(content);
  return content;
}

mail::RepairPlan survey(std::string_view content, std::size_t piece) {
  mail::LineSurvey survey;
  for (std::size_t i = 0; i < content.size(); i += piece) survey.feed(content.substr(i, piece));
  return survey.finish();
}

std::string mend(std::string_view content, const mail::RepairPlan& plan, std::size_t piece) {
  mail::Reencoder reencoder(plan);
  std::string mended;
  for (std::size_t i = 0; i < content.size(); i += piece) reencoder.feed(content.substr(i, piece), mended);
  reencoder.finish(mended);
  return mended;
}

std::size_t longest_line_in(std::string_view content) {
  mail::LineLengths lengths;
  lengths.feed(content);
  return lengths.longest();
}

bool same(const mail::RepairPlan& one, const mail::RepairPlan& other) {
  if (one.changes != other.changes || one.leaves_long_lines != other.leaves_long_lines) return false;
  if (one.parts.size() != other.parts.size()) return false;
  for (std::size_t i = 0; i < one.parts.size(); ++i) {
    if (one.parts[i].treatment != other.parts[i].treatment || one.parts[i].charset != other.parts[i].charset) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string content = content_of(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const mail::RepairPlan plan = survey(content, content.size() + 1);
  require(same(plan, survey(content, piece)));

  const std::string mended = mend(content, plan, content.size() + 1);
  require(mended == mend(content, plan, piece));
  require(plan.changes || mended == content);
  require(plan.leaves_long_lines || longest_line_in(mended) <= mail::longest_line);

  const mail::RepairPlan again = survey(mended, mended.size() + 1);
  require(!again.changes && (plan.leaves_long_lines || !again.leaves_long_lines));
  require(mend(mended, again, piece) == mended);
  return 0;
}
