// Reading by the field list, with a suggestion for every key that is not in it.
#include "conf/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace conf {
namespace {

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

/// The key of the same name in another table, if there is just one; for what was written under the wrong [heading].
std::optional<std::string> same_name_elsewhere(std::string_view name, const std::vector<KeyHelp>& known_keys) {
  std::optional<std::string> found;
  for (const KeyHelp& known : known_keys) {
    const std::string_view key = known.key;
    const std::size_t dot = key.rfind('.');
    if (key.substr(dot == std::string_view::npos ? 0 : dot + 1) != name) continue;
    if (found) return std::nullopt;
    found = known.key;
  }
  return found;
}

std::optional<std::string> nearest(std::string_view name, const Entries& entries) {
  constexpr std::size_t longest_key = 64;
  if (name.size() > longest_key) return std::nullopt;
  const std::size_t farthest = std::clamp<std::size_t>((name.size() + 2) / 3, 1, 3);
  std::optional<std::string> best;
  std::size_t best_distance = farthest + 1;
  for (const Entry& entry : entries) {
    const std::size_t distance = base::edit_distance(base::lower(name), entry.name);
    if (distance >= best_distance) continue;
    best = entry.name;
    best_distance = distance;
  }
  return best;
}

/// 0 and 0s are the same off value.
bool is_off(const Node& node, const Node& off) {
  const std::string* text = node.text();
  const std::string* off_text = off.text();
  if (text != nullptr && off_text != nullptr && *off_text == "0s") {
    const auto duration = base::parse_duration(*text);
    return duration && duration->count() == 0;
  }
  return node.value.index() == off.value.index() && to_toml(node) == to_toml(off);
}

class Reader {
 public:
  Reader(std::string_view directory, Mistakes& mistakes) : directory_(directory), mistakes_(mistakes) {}

  void read_table(const Node& node, const std::string& path, const Entries& entries) {
    for (const Member& member : *node.table()) {
      const auto entry = std::ranges::find(entries, member.name, &Entry::name);
      if (entry == entries.end()) {
        complain_unknown(member, path, entries);
      } else {
        const std::string key = join(path, member.name);
        std::visit([&](const auto& what) { read(member.value, key, what); }, entry->what);
      }
    }
    for (const Entry& entry : entries) complain_if_missing(node, path, entry);
  }

 private:
  void read(const Node& node, const std::string& key, const Field& field) {
    Place place(mistakes_, key, directory_);
    field.read(node, place);
  }

  void read(const Node& node, const std::string& key, const LaterField& field) {
    if (is_off(node, field.off)) return;
    mistakes_.add(node.where, key, fmt::format("not supported yet; remove it or write {}", to_toml(field.off)));
  }

  void read(const Node& node, const std::string& key, const Table& table) {
    if (node.table() != nullptr) return read_table(node, key, table.entries);
    Place place(mistakes_, key, directory_);
    place.complain_of_type(node, fmt::format("a table, written [{}]", key));
  }

  void read(const Node& node, const std::string& key, const Blocks& blocks) {
    Place place(mistakes_, key, directory_);
    const std::string what = fmt::format("blocks, written [[{}]]", key);
    if (node.array() == nullptr) return place.complain_of_type(node, what);
    blocks.clear();
    for (const Node& block : *node.array()) {
      if (block.table() != nullptr) {
        read_table(block, key, blocks.add());
      } else {
        place.complain_of_type(block, what);
      }
    }
  }

  const std::vector<KeyHelp>& all_keys() {
    if (all_keys_.empty()) all_keys_ = known_keys();
    return all_keys_;
  }

  void complain_unknown(const Member& member, const std::string& path, const Entries& entries) {
    std::string words = "unknown key";
    if (const auto elsewhere = same_name_elsewhere(member.name, all_keys())) {
      words += fmt::format("; did you mean {}?", *elsewhere);
    } else if (const auto meant = nearest(member.name, entries)) {
      words += fmt::format("; did you mean {}?", *meant);
    } else {
      words += "; remove it";
    }
    mistakes_.add(member.where, join(path, member.name), words);
  }

  void complain_if_missing(const Node& node, const std::string& path, const Entry& entry) {
    const auto* field = std::get_if<Field>(&entry.what);
    if (field == nullptr || field->need == Need::optional) return;
    if (std::ranges::find(*node.table(), entry.name, &Member::name) != node.table()->end()) return;
    mistakes_.add(node.where, join(path, entry.name),
                  fmt::format("missing; write for example {} = {}", entry.name, to_toml(*field->example)));
  }

  std::string directory_;
  Mistakes& mistakes_;
  std::vector<KeyHelp> all_keys_;  ///< filled when the first unknown key asks
};

}  // namespace

void read_entries(const Node& root, Entries& entries, std::string_view directory, Mistakes& mistakes) {
  Reader(directory, mistakes).read_table(root, "", entries);
}

}  // namespace conf
