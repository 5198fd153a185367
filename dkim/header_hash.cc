// The header hash: picking fields by h=.
#include "dkim/header_hash.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace dkim {
namespace {

struct IgnoringCase {
  bool operator()(std::string_view a, std::string_view b) const {
    return std::ranges::lexicographical_compare(a, b, {}, base::to_lower, base::to_lower);
  }
};

/// The fields that are not taken yet, the next one to take last. Names and fields come from strangers: no look-up may be linear.
using Untaken = std::map<std::string_view, std::vector<const mail::Field*>, IgnoringCase>;

Untaken gather(const mail::HeaderBlock& header, const std::vector<std::string>& names, std::string_view own_place) {
  Untaken untaken;
  for (const std::string& name : names) untaken.try_emplace(name);
  for (const mail::Field& field : header.fields()) {
    const auto wanted = untaken.find(field.name);
    if (wanted != untaken.end() && field.raw.data() != own_place.data()) wanted->second.push_back(&field);
  }
  return untaken;
}

}  // namespace

Digest header_hash(Canonicalization canonicalization, const mail::HeaderBlock& header, const std::vector<std::string>& names,
                   std::string_view own_field, std::string_view own_place) {
  Untaken untaken = gather(header, names, own_place);
  Sha256 sha;
  for (const std::string& name : names) {
    std::vector<const mail::Field*>& fields = untaken.find(name)->second;
    if (fields.empty()) continue;
    sha.update(canonical_field(canonicalization, fields.back()->raw));
    fields.pop_back();
  }
  std::string own = canonical_field(canonicalization, own_field);
  own.resize(own.size() - 2);  // without the final CR LF
  sha.update(own);
  return sha.finish();
}

}  // namespace dkim
