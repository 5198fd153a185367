// A message from a file, its line ends put right.
#include "relay/cli/message_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace relay::cli {
namespace {

constexpr std::size_t piece_size = std::size_t{64} << 10U;
constexpr std::size_t longest_first_line = std::size_t{1} << 20U;

struct Close {
  void operator()(FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

/// LF becomes CR LF; what is CR LF already stays.
void put_right(std::string_view piece, char& last, std::string& out) {
  for (const char c : piece) {
    if (c == '\n' && last != '\r') out += '\r';
    out += c;
    last = c;
  }
}

}  // namespace

base::Result<LineEnd> read_message(const std::string& file, const std::function<void(std::string_view)>& sink) {
  const std::unique_ptr<FILE, Close> source(file == "-" ? stdin : std::fopen(file.c_str(), "re"));
  if (!source) return std::unexpected(base::system_error(base::Kind::invalid, "cannot read " + file, errno));
  std::string piece(piece_size, '\0');
  std::string start;  // until the first line end tells the form
  std::string out;
  bool known = false;
  LineEnd line_end = LineEnd::cr_lf;
  char last = '\0';
  for (;;) {
    const std::size_t count = std::fread(piece.data(), 1, piece.size(), source.get());
    if (count == 0) break;
    std::string_view got = std::string_view(piece).substr(0, count);
    if (!known) {
      start += got;
      const std::size_t end = start.find('\n');
      if (end == std::string::npos && start.size() < longest_first_line) continue;
      known = true;
      if (end != std::string::npos && (end == 0 || start[end - 1] != '\r')) line_end = LineEnd::lf;
      got = start;
    }
    if (line_end == LineEnd::cr_lf) {
      sink(got);
      continue;
    }
    out.clear();
    put_right(got, last, out);
    sink(out);
  }
  if (std::ferror(source.get()) != 0)
    return std::unexpected(base::system_error(base::Kind::temporary, "cannot read " + file, EIO));
  if (!known) sink(start);
  return line_end;
}

}  // namespace relay::cli
