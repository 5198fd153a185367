// Canonicalization of bodies written down as plainly as RFC 6376 3.4 says it, to judge the streaming one by; shared with the
// fuzzer.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace dkim_reference {

inline void remove_line_ends(std::string& text) {
  while (text.ends_with("\r\n")) text.resize(text.size() - 2);
}

inline std::string simple_body(std::string body) {
  remove_line_ends(body);
  return body + "\r\n";
}

inline std::string relaxed_line(std::string_view line) {
  std::string result;
  for (const char c : line) {
    const bool white = c == ' ' || c == '\t';
    if (white && result.ends_with(' ')) continue;
    result += white ? ' ' : c;
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

inline std::string relaxed_body(std::string_view body) {
  std::string result;
  for (;;) {
    const std::size_t end = body.find("\r\n");
    result += relaxed_line(body.substr(0, end));
    if (end == std::string_view::npos) break;
    result += "\r\n";
    body.remove_prefix(end + 2);
  }
  remove_line_ends(result);
  return result.empty() ? result : result + "\r\n";
}

}  // namespace dkim_reference
