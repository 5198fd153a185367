// Reading transcripts.
#include "tests/unit/mail/transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "base/file.h"
#include "base/text.h"

namespace transcript {
namespace {

int hex_digit(char c) {
  const std::size_t digit = std::string_view("0123456789abcdef").find(base::to_lower(c));
  if (digit == std::string_view::npos) throw std::runtime_error("a hexadecimal digit is missing");
  return static_cast<int>(digit);
}

/// "N(text)" behind "\*"; returns what follows.
std::string_view repeat(std::string_view text, std::string& out) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos) throw std::runtime_error("\\*N(text) is unfinished");
  const std::uint64_t times = base::parse_number(text.substr(0, open)).value();
  const std::string part = unescape(text.substr(open + 1, close - open - 1));
  for (std::uint64_t i = 0; i < times; ++i) out += part;
  return text.substr(close + 1);
}

/// A line of a side joins the step before it when that is the same side's.
Step& step_for(Script& script, Step::Kind kind, int line) {
  if (script.steps.empty() || script.steps.back().kind != kind) {
    script.steps.emplace_back();
    script.steps.back().kind = kind;
    script.steps.back().line = line;
  }
  return script.steps.back();
}

/// "S: ", "S> " or "S 20: ": the text behind it, and how often.
bool split_server_line(std::string_view line, std::string_view& text, std::uint64_t& times) {
  times = 1;
  if (line.starts_with("S ")) {
    const std::size_t colon = line.find(':');
    times = base::parse_number(line.substr(2, colon - 2)).value();
    text = base::trim(line.substr(colon + 1));
    return true;
  }
  if (!line.starts_with("S:") && !line.starts_with("S>")) return false;
  text = line.size() > 3 ? line.substr(3) : std::string_view();
  return true;
}

void parse_line(Script& script, std::string_view line, int number) {
  std::string_view text;
  std::uint64_t times = 1;
  if (line.starts_with("C:") || line.starts_with("C>")) {
    Step& step = step_for(script, Step::Kind::client, number);
    step.octets += unescape(line.size() > 3 ? line.substr(3) : std::string_view());
    if (line[1] == ':') step.octets += "\r\n";
  } else if (split_server_line(line, text, times)) {
    Step& step = step_for(script, Step::Kind::server, number);
    for (std::uint64_t i = 0; i < times; ++i) {
      step.octets += unescape(text);
      if (line[1] != '>') step.octets += "\r\n";
      step.patterns.emplace_back(text);
    }
  } else {
    const std::size_t blank = line.find(' ');
    script.steps.emplace_back();
    script.steps.back().line = number;
    script.steps.back().name = line.substr(0, blank);
    if (blank != std::string_view::npos) script.steps.back().argument = line.substr(blank + 1);
  }
}

}  // namespace

std::vector<Script> load_all(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(MAILFERRY_SOURCE_DIR "/tests/transcripts/" + folder)) {
    if (entry.path().extension() == ".smtp") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  std::vector<Script> scripts;
  scripts.reserve(paths.size());
  for (const std::string& path : paths) {
    scripts.push_back(parse(std::filesystem::path(path).stem().string(), base::read_file(path).value()));
  }
  return scripts;
}

Script parse(const std::string& name, std::string_view text) {
  Script script;
  script.name = name;
  int number = 0;
  for (const std::string_view line : base::split(text, '\n')) {
    ++number;
    if (!line.empty() && line.front() != '#') parse_line(script, line, number);
  }
  return script;
}

std::string unescape(std::string_view text) {
  std::string octets;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      octets += c;
      continue;
    }
    if (text.empty()) throw std::runtime_error("a line ends with a backslash");
    const char kind = text.front();
    text.remove_prefix(1);
    switch (kind) {
      case 'r': octets += '\r'; break;
      case 'n': octets += '\n'; break;
      case 't': octets += '\t'; break;
      case '0': octets += '\0'; break;
      case '\\': octets += '\\'; break;
      case 'x':
        octets += static_cast<char>(hex_digit(text.at(0)) * 16 + hex_digit(text.at(1)));
        text.remove_prefix(2);
        break;
      case '*': text = repeat(text, octets); break;
      default: throw std::runtime_error(fmt::format("unknown escape \\{}", kind));
    }
  }
  return octets;
}

std::string escape(std::string_view octets) {
  std::string text;
  for (const char c : octets) {
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else if (c < 0x20 || c == 0x7f) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text;
}

mail::Reply parse_reply(std::string_view text) {
  const int code = static_cast<int>(base::parse_number(text.substr(0, 3)).value());
  text = base::trim(text.substr(3));
  const auto status = mail::EnhancedStatus::parse(text);
  if (!status) return {code, text};
  return {code, *status, base::trim(text.substr(status->to_string().size()))};
}

bool matches(std::string_view pattern, std::string_view text) {
  if (!pattern.ends_with("...")) return pattern == text;
  pattern.remove_suffix(3);
  return text.starts_with(pattern);
}

std::vector<std::string_view> pieces(std::string_view octets, std::size_t offset, Cut cut) {
  std::vector<std::string_view> result;
  if (cut.at == Cut::everywhere) {
    for (std::size_t i = 0; i < octets.size(); ++i) result.push_back(octets.substr(i, 1));
  } else if (cut.at > offset && cut.at < offset + octets.size()) {
    result = {octets.substr(0, cut.at - offset), octets.substr(cut.at - offset)};
  } else if (!octets.empty()) {
    result = {octets};
  }
  return result;
}

}  // namespace transcript
