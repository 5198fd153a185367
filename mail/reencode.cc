// Survey and second pass: two handlers of the same walk.
#include "mail/reencode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mail/transfer.h"

namespace mail {
namespace {

constexpr std::size_t most_parts = 10'000;
constexpr std::string_view armor = "-----BEGIN PGP ";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Follows sequences of UTF-8; overlong ones pass, for it only chooses a label.
class Utf8Watch {
 public:
  void feed(std::string_view octets) {
    for (const char c : octets) {
      const auto octet = static_cast<unsigned char>(c);
      const bool continues = (octet & 0xC0U) == 0x80U;
      if (continues != (expected_ > 0)) wrong_ = true;
      if (continues) {
        expected_ -= expected_ > 0 ? 1 : 0;
      } else {
        expected_ = octet < 0xC0U ? 0 : octet < 0xE0U ? 1 : octet < 0xF0U ? 2 : 3;
      }
    }
  }
  bool is_right() const { return !wrong_ && expected_ == 0; }

 private:
  int expected_ = 0;
  bool wrong_ = false;
};

/// Sees a line that begins with PGP's armor, however it is cut.
class ArmorWatch {
 public:
  void feed(std::string_view octets) {
    for (const char c : octets) {
      if (c == '\n') {
        matched_ = 0;
      } else if (matched_ < armor.size()) {
        matched_ = c == armor[matched_] ? matched_ + 1 : armor.size() + 1;
      }
      found_ = found_ || matched_ == armor.size();
    }
  }
  bool found() const { return found_; }

 private:
  std::size_t matched_ = 0;  // more than there is: not this line
  bool found_ = false;
};

/// What the choice of an encoding depends on.
struct LeafFacts {
  ContentType type;
  Coding coding = Coding::identity;
  LineLengths lines;
  Utf8Watch utf8;
  ArmorWatch pgp;
  std::size_t octets = 0;
  std::size_t escapes = 0;  ///< octets that quoted-printable writes as three
  std::size_t eight_bit = 0;

  void feed(std::string_view piece) {
    lines.feed(piece);
    utf8.feed(piece);
    pgp.feed(piece);
    octets += piece.size();
    for (const char c : piece) {
      const bool high = static_cast<unsigned char>(c) >= 0x80U;
      eight_bit += high ? 1 : 0;
      escapes += high || c == '=' ? 1 : 0;
    }
  }

  Treatment treatment() const {
    const bool opaque = type.is_sealed() || type.is_multipart() || type.type.starts_with("message/") || pgp.found();
    if (lines.longest() <= longest_line || opaque) return Treatment::none;
    switch (coding) {
      case Coding::quoted_printable: return Treatment::wrap_quoted_printable;
      case Coding::base64: return Treatment::wrap_base64;
      case Coding::other: return Treatment::none;
      case Coding::identity: break;
    }
    // An escape costs two octets more, base64 a third of all.
    return type.is_text() && escapes <= octets / 6 ? Treatment::quoted_printable : Treatment::base64;
  }

  std::string_view charset() const {
    if (eight_bit == 0) return "us-ascii";
    return utf8.is_right() ? "utf-8" : "unknown-8bit";  // RFC 1428 3
  }
};

std::unique_ptr<TransferEncoder> encoder_of(Treatment treatment) {
  switch (treatment) {
    case Treatment::none: return nullptr;
    case Treatment::quoted_printable: return quoted_printable_encoder();
    case Treatment::base64: return base64_encoder();
    case Treatment::wrap_quoted_printable: return quoted_printable_wrapper();
    case Treatment::wrap_base64: return base64_wrapper();
  }
  return nullptr;
}

/// Where the header of a part stands: only the one of the message tells the version of MIME.
enum class Rank : std::uint8_t { message, part };

std::string with_encoding(const HeaderBlock& header, Rank rank, const RepairPlan::Part& plan) {
  std::string text;
  std::size_t in_fields = 0;
  for (const Field& field : header.fields()) {
    in_fields += field.raw.size();
    if (!base::equal_ignoring_case(field.name, "Content-Transfer-Encoding")) text += field.raw;
  }
  if (rank == Rank::message && header.count("MIME-Version") == 0) text += "MIME-Version: 1.0\r\n";
  if (header.count("Content-Type") == 0) text += fmt::format("Content-Type: text/plain; charset={}\r\n", plan.charset);
  text += fmt::format("Content-Transfer-Encoding: {}\r\n", plan.treatment == Treatment::base64 ? "base64" : "quoted-printable");
  const std::string_view end = std::string_view(header.raw()).substr(in_fields);
  return text.append(end.empty() ? "\r\n" : end);
}

/// The pieces of one line, none too long; nothing when it has no white space to cut before.
std::optional<std::string> fold_line(std::string_view line) {
  const bool continues = is_blank(line.front());
  std::size_t first_cut = continues ? line.find_first_not_of(" \t") : line.find(':');
  std::string text;
  while (line.size() > longest_line) {
    const std::size_t cut = line.find_last_of(" \t", longest_line);
    const bool useful = first_cut != std::string_view::npos && cut != std::string_view::npos && cut > first_cut;
    if (!useful || line.find_first_not_of(" \t", cut) == std::string_view::npos) return std::nullopt;
    text.append(line.substr(0, cut)).append("\r\n");
    line.remove_prefix(cut);
    first_cut = line.find_first_not_of(" \t");
  }
  return text.append(line);
}

}  // namespace

void LineLengths::feed(std::string_view content) {
  while (!content.empty()) {
    const std::size_t line_feed = content.find('\n');
    const bool ends = line_feed != std::string_view::npos;
    const std::string_view piece = content.substr(0, line_feed);
    if (!piece.empty()) carriage_return_ = piece.back() == '\r';
    current_ += piece.size();
    if (!ends) return;
    longest_ = std::max(longest_, current_ - (carriage_return_ ? 1 : 0));
    current_ = 0;
    carriage_return_ = false;
    content.remove_prefix(line_feed + 1);
  }
}

std::size_t LineLengths::longest() const { return std::max(longest_, current_ - (carriage_return_ ? 1 : 0)); }

class LineSurvey::Handler final : public PartHandler {
 public:
  void begin_leaf(const HeaderBlock& header, const ContentType& type) override {
    look_at(header);
    leaf_ = LeafFacts();
    leaf_.type = type;
    leaf_.coding = coding_of(header);
  }
  void leaf(std::string_view octets) override { leaf_.feed(octets); }
  void end_leaf() override {
    Treatment treatment = leaf_.treatment();
    if (plan_.parts.size() == most_parts) treatment = Treatment::none;
    if (treatment != Treatment::none) {
      plan_.changes = true;
    } else if (leaf_.lines.longest() > longest_line) {
      plan_.leaves_long_lines = true;
    }
    if (plan_.parts.size() < most_parts) plan_.parts.push_back(RepairPlan::Part{treatment, leaf_.charset()});
  }
  void outer_header(const HeaderBlock& header) override { look_at(header); }
  void frame(std::string_view octets) override { frame_.feed(octets); }

  RepairPlan finish() {
    if (frame_.longest() > longest_line) plan_.leaves_long_lines = true;
    return std::move(plan_);
  }

 private:
  void look_at(const HeaderBlock& header) {
    const auto folded = fold_long_lines(header.raw());
    if (!folded) {
      plan_.leaves_long_lines = true;
    } else if (folded->size() != header.raw().size()) {
      plan_.changes = true;
    }
  }

  RepairPlan plan_;
  LeafFacts leaf_;
  LineLengths frame_;
};

LineSurvey::LineSurvey() : handler_(std::make_unique<Handler>()), walker_(*handler_) {}
LineSurvey::~LineSurvey() = default;
void LineSurvey::feed(std::string_view content) { walker_.feed(content); }
RepairPlan LineSurvey::finish() {
  walker_.finish();
  return handler_->finish();
}

class Reencoder::Handler final : public PartHandler {
 public:
  explicit Handler(RepairPlan plan) : plan_(std::move(plan)) {}

  void write_to(std::string& out) { out_ = &out; }

  void begin_leaf(const HeaderBlock& header, const ContentType& /*type*/) override {
    const RepairPlan::Part part = next_ < plan_.parts.size() ? plan_.parts[next_] : RepairPlan::Part();
    ++next_;
    const bool encodes = part.treatment == Treatment::quoted_printable || part.treatment == Treatment::base64;
    write_header(encodes ? with_encoding(header, std::exchange(rank_, Rank::part), part) : header.raw());
    rank_ = Rank::part;
    encoder_ = encoder_of(part.treatment);
    unfinished_line_ = false;
    is_base64_ = part.treatment == Treatment::base64;
  }
  void leaf(std::string_view octets) override {
    if (!encoder_) {
      out_->append(octets);
    } else {
      encoder_->feed(octets, *out_);
    }
    unfinished_line_ = is_base64_;
  }
  void end_leaf() override {
    if (encoder_) encoder_->finish(*out_);
    encoder_.reset();
  }
  void outer_header(const HeaderBlock& header) override {
    write_header(header.raw());
    rank_ = Rank::part;
  }
  void frame(std::string_view octets) override {
    out_->append(octets);
    unfinished_line_ = false;
  }
  void finish() {
    if (unfinished_line_) out_->append("\r\n");
  }

 private:
  void write_header(const std::string& text) { out_->append(fold_long_lines(text).value_or(text)); }

  RepairPlan plan_;
  std::size_t next_ = 0;
  Rank rank_ = Rank::message;
  std::unique_ptr<TransferEncoder> encoder_;
  bool is_base64_ = false;
  bool unfinished_line_ = false;
  std::string* out_ = nullptr;
};

Reencoder::Reencoder(RepairPlan plan) : handler_(std::make_unique<Handler>(std::move(plan))), walker_(*handler_) {}
Reencoder::~Reencoder() = default;
void Reencoder::feed(std::string_view content, std::string& out) {
  handler_->write_to(out);
  walker_.feed(content);
}
void Reencoder::finish(std::string& out) {
  handler_->write_to(out);
  walker_.finish();
  handler_->finish();
}

std::optional<std::string> fold_long_lines(std::string_view header_text) {
  std::string text;
  while (!header_text.empty()) {
    const std::size_t end = header_text.find("\r\n");
    const std::string_view line = header_text.substr(0, end);
    const std::string_view line_end = end == std::string_view::npos ? std::string_view() : std::string_view("\r\n");
    header_text.remove_prefix(line.size() + line_end.size());
    if (line.size() <= longest_line) {
      text.append(line).append(line_end);
      continue;
    }
    const auto folded = fold_line(line);
    if (!folded) return std::nullopt;
    text.append(*folded).append(line_end);
  }
  return text;
}

bool is_signed_already(const HeaderBlock& header) {
  return header.count("DKIM-Signature") > 0 || header.count("ARC-Seal") > 0 || content_type_of(header, "text/plain").is_sealed();
}

}  // namespace mail
