// The showing visitors: the configuration as TOML and JSON, the sample file, the list of keys.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "conf/fields.h"

namespace conf {
namespace {

constexpr std::string_view later_remark = "not supported yet";

std::string join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

/// The meaning of a key, with the words that may be written.
std::string help_of(const Entry& entry) {
  const auto* field = std::get_if<Field>(&entry.what);
  if (field == nullptr || field->words.known.empty()) return std::string(entry.help);
  return fmt::format("{} One of \"{}\".", entry.help, fmt::join(field->words.known, "\", \""));
}

/// `config show`.
class TomlPrinter {
 public:
  std::string text;

  void print(const Entries& entries, const std::string& path) {
    for (const Entry& entry : entries) {
      std::visit([&](const auto& what) { print(entry, join(path, entry.name), what); }, entry.what);
    }
  }

 private:
  void print(const Entry& entry, const std::string&, const Field& field) {
    text += fmt::format("{} = {}\n", entry.name, to_toml(field.show()));
  }
  void print(const Entry& entry, const std::string&, const LaterField& field) {
    text += fmt::format("{} = {}  # {}\n", entry.name, to_toml(field.off), later_remark);
  }
  void print(const Entry&, const std::string& path, const Table& table) {
    text += fmt::format("\n[{}]\n", path);
    print(table.entries, path);
  }
  void print(const Entry&, const std::string& path, const Blocks& blocks) {
    for (const Entries& block : blocks.all()) {
      text += fmt::format("\n[[{}]]\n", path);
      print(block, path);
    }
  }
};

std::string json_of(const Entries& entries, int depth);

std::string indent(int depth) { return std::string(static_cast<std::size_t>(depth) * 2, ' '); }

std::string json_of(const Blocks& blocks, int depth) {
  std::string inside;
  for (const Entries& block : blocks.all()) {
    inside += fmt::format("{}\n{}{}", inside.empty() ? "" : ",", indent(depth + 1), json_of(block, depth + 1));
  }
  return inside.empty() ? "[]" : fmt::format("[{}\n{}]", inside, indent(depth));
}

/// The value of an entry; nothing for what cannot be written yet.
std::string json_of(const Entry& entry, int depth) {
  if (const auto* field = std::get_if<Field>(&entry.what)) return to_json(field->show());
  if (const auto* later = std::get_if<LaterField>(&entry.what)) return to_json(later->off);
  if (const auto* table = std::get_if<Table>(&entry.what)) return json_of(table->entries, depth);
  if (const auto* blocks = std::get_if<Blocks>(&entry.what)) return json_of(*blocks, depth);
  return "[]";
}

std::string json_of(const Entries& entries, int depth) {
  std::string inside;
  for (const Entry& entry : entries) {
    const std::string value = json_of(entry, depth + 1);
    if (value.empty()) continue;
    inside += fmt::format("{}\n{}\"{}\": {}", inside.empty() ? "" : ",", indent(depth + 1), entry.name, value);
  }
  return fmt::format("{{{}\n{}}}", inside, indent(depth));
}

/// The file to begin with: "# " before prose, "#" before what may be switched on.
class SamplePrinter {
 public:
  std::string text;

  void print(const Entries& entries, const std::string& path) {
    for (const Entry& entry : entries) {
      std::visit([&](const auto& what) { print(entry, join(path, entry.name), what); }, entry.what);
    }
  }

 private:
  void prose(std::string_view words) {
    constexpr std::size_t width = 100;
    std::string line = "#";
    for (const std::string_view word : base::words(words)) {
      if (line.size() + 1 + word.size() > width) {
        text += line + "\n";
        line = "#";
      }
      line += fmt::format(" {}", word);
    }
    text += line + "\n";
  }

  void print(const Entry& entry, const std::string& path, const Field& field) {
    prose(help_of(entry));
    const bool live = field.need == Need::required && path == entry.name;
    text += fmt::format("{}{} = {}\n", live ? "" : "#", entry.name, to_toml(field.example ? *field.example : field.show()));
  }
  void print(const Entry& entry, const std::string&, const LaterField& field) {
    prose(entry.help);
    text += fmt::format("#{} = {}  # {}\n", entry.name, to_toml(field.off), later_remark);
  }
  void print(const Entry& entry, const std::string& path, const Table& table) {
    text += "\n";
    prose(entry.help);
    text += fmt::format("{}[{}]\n", in_blocks_ ? "#" : "", path);
    print(table.entries, path);
  }
  void print(const Entry& entry, const std::string& path, const Blocks& blocks) {
    text += "\n";
    prose(entry.help);
    text += fmt::format("#[[{}]]\n", path);
    const bool outside = std::exchange(in_blocks_, true);
    print(blocks.add(), path);
    in_blocks_ = outside;
  }

  bool in_blocks_ = false;  ///< commented out as a whole, headings too
};

void list_keys(const Entries& entries, const std::string& path, std::vector<KeyHelp>& keys) {
  for (const Entry& entry : entries) {
    const std::string key = join(path, entry.name);
    if (std::holds_alternative<Field>(entry.what)) keys.push_back(KeyHelp{key, help_of(entry), true});
    if (std::holds_alternative<LaterField>(entry.what)) keys.push_back(KeyHelp{key, help_of(entry), false});
    if (const auto* table = std::get_if<Table>(&entry.what)) list_keys(table->entries, key, keys);
    if (const auto* blocks = std::get_if<Blocks>(&entry.what)) list_keys(blocks->add(), key, keys);
  }
}

}  // namespace

std::string show_config(const Config& config) {
  Config copy = config;
  TomlPrinter printer;
  printer.print(entries_of(copy), "");
  return printer.text;
}

std::string show_config_json(const Config& config) {
  Config copy = config;
  return json_of(entries_of(copy), 0) + "\n";
}

std::string sample_config() {
  Config config = defaults();
  SamplePrinter printer;
  printer.text =
      "# Configuration of mailferry; mailferry.toml(5) explains it at length.\n"
      "# What is commented out with \"#\" and no space shows the default. After a change:\n"
      "# mailferry config check, then mailferry reload.\n\n";
  printer.print(entries_of(config), "");
  return printer.text;
}

std::vector<KeyHelp> known_keys() {
  Config config = defaults();
  std::vector<KeyHelp> keys;
  list_keys(entries_of(config), "", keys);
  return keys;
}

}  // namespace conf
