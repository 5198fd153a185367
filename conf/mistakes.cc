// Mistakes, sorted and printed so that editors can jump to them.
#include "conf/mistakes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace conf {
namespace {

constexpr std::size_t most_told = 100;
constexpr std::size_t longest_key = 100;
constexpr std::size_t longest_words = 500;

}  // namespace

void Mistakes::add(Position where, std::string_view key, std::string_view words) {
  all_.push_back(Mistake{where, std::string(key), std::string(words)});
}

bool Mistakes::touches(std::string_view key) const { return std::ranges::find(all_, key, &Mistake::key) != all_.end(); }

std::string Mistakes::to_string(std::string_view name) const {
  std::vector<Mistake> sorted = all_;
  std::ranges::sort(sorted);
  const std::size_t told = std::min(sorted.size(), most_told);
  std::string text;
  for (std::size_t i = 0; i < told; ++i) {
    const auto& [where, key, words] = sorted[i];
    if (!text.empty()) text += '\n';
    text += fmt::format("{}:{}:{}: ", name, where.line, where.column);
    if (!key.empty()) text += base::printable(std::string_view(key).substr(0, longest_key)) + ": ";
    text += base::printable(std::string_view(words).substr(0, longest_words));
  }
  if (told < sorted.size()) text += fmt::format("\n{}: and {} more", name, sorted.size() - told);
  return text;
}

}  // namespace conf
