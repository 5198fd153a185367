// DATA's transparency: whole runs of lines are copied at once, the rare octets go one by one through a small machine.
#include "mail/data.h"

#include <algorithm>

namespace mail {
namespace {

/// Where an octet comes next. Asks only beyond what it knows, so that a scan stays linear whatever the content is.
class NextOctet {
 public:
  NextOctet(std::string_view text, char octet) : text_(text), octet_(octet) { search(0); }

  /// Positions asked for never go back; the size of the text when there is none.
  std::size_t from(std::size_t position) {
    if (found_ < position) search(position);
    return found_;
  }

 private:
  void search(std::size_t position) { found_ = std::min(text_.find(octet_, position), text_.size()); }

  std::string_view text_;
  char octet_;
  std::size_t found_ = 0;
};

}  // namespace

std::size_t EndOfData::consume(std::string_view in, std::string& out) {
  NextOctet next_cr(in, '\r');
  NextOctet next_lf(in, '\n');
  std::size_t used = 0;
  while (used < in.size() && state_ != State::done) {
    if (state_ != State::in_line) {
      used += step(in[used], out);
      continue;
    }
    const std::size_t run = used;
    std::size_t end = run;
    for (;;) {
      end = std::min(next_cr.from(end), next_lf.from(end));
      const bool plain_line = end + 2 < in.size() && in[end] == '\r' && in[end + 1] == '\n' && in[end + 2] != '.';
      if (!plain_line) break;
      end += 2;
    }
    out.append(in, run, end - run);
    used = end;
    if (used < in.size()) used += step(in[used], out);
  }
  return used;
}

/// Takes one octet; returns 0 when it is to be looked at again in the new state.
std::size_t EndOfData::step(char c, std::string& out) {
  switch (state_) {
    case State::line_start: state_ = c == '.' ? State::dot : State::in_line; return c == '.' ? 1 : 0;
    case State::dot:  // not yet written: it is doubled, alone in its line, or one that somebody did not double
      state_ = c == '\r' ? State::dot_cr : State::in_line;
      return c == '\r' ? 1 : 0;
    case State::dot_cr: state_ = c == '\n' ? State::done : State::cr; return c == '\n' ? 1 : 0;
    case State::in_line:
      if (c == '\n') write_line_end(out);
      if (c == '\r') state_ = State::cr;
      return 1;
    case State::cr:
      if (c == '\n') {
        out += "\r\n";
        state_ = State::line_start;
        return 1;
      }
      saw_bare_newline_ = true;
      out += ' ';
      state_ = State::in_line;
      return 0;
    case State::done: break;
  }
  return 0;
}

/// A bare LF. The line that follows is none to the client's SMTP, so a dot at its start is content and stays.
void EndOfData::write_line_end(std::string& out) {
  saw_bare_newline_ = true;
  out += "\r\n";
}

void LineEnds::write_lone_cr(std::string& out) {
  saw_bare_newline_ = true;
  cr_ = false;
  line_start_ = false;
  out += ' ';
}

void LineEnds::consume(std::string_view in, std::string& out) {
  const auto is_plain = [](char c) { return c != '\r' && c != '\n'; };
  while (!in.empty()) {
    const char c = in.front();
    if (cr_ && c != '\n') write_lone_cr(out);
    if (is_plain(c)) {
      const auto end = std::ranges::find_if_not(in, is_plain);
      const auto size = static_cast<std::size_t>(end - in.begin());
      out.append(in, 0, size);
      in.remove_prefix(size);
      line_start_ = false;
      continue;
    }
    in.remove_prefix(1);
    if (c == '\r') {
      cr_ = true;
      continue;
    }
    if (!cr_) saw_bare_newline_ = true;
    cr_ = false;
    line_start_ = true;
    out += "\r\n";
  }
}

void LineEnds::finish(std::string& out) {
  if (cr_) write_lone_cr(out);
  if (!line_start_) out += "\r\n";
  line_start_ = true;
}

void DotStuffer::append(std::string_view content, std::string& out) {
  if (content.empty()) return;
  std::size_t written = 0;
  for (std::size_t dot = content.find('.'); dot != std::string_view::npos; dot = content.find('.', dot + 1)) {
    const bool line_start = dot == 0 ? state_ != State::in_line : content[dot - 1] == '\n' || content[dot - 1] == '\r';
    if (!line_start) continue;
    out.append(content, written, dot - written);
    out += '.';
    written = dot;
  }
  out.append(content, written);
  const char before = content.size() > 1 ? content[content.size() - 2] : state_ == State::cr ? '\r' : '\0';
  switch (content.back()) {
    case '\r': state_ = State::cr; break;
    case '\n': state_ = before == '\r' ? State::line_start : State::bare_lf; break;
    default: state_ = State::in_line;
  }
}

void DotStuffer::finish(std::string& out) {
  if (state_ == State::cr) out += '\n';
  if (state_ == State::in_line || state_ == State::bare_lf) out += "\r\n";
  out += ".\r\n";
  state_ = State::line_start;
}

}  // namespace mail
