// A message as a local program writes it, made one that can be handed in. Pure: values in, values out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace relay::cli {

/// What a missing From is made of.
struct Sender {
  std::string address;    ///< user@hostname
  std::string full_name;  ///< may be empty
};

enum class DotLine : std::uint8_t { ends, is_text };

/// The input up to a line with a dot alone, where that ends it.
std::string_view up_to_dot(std::string_view input, DotLine dot);

class Letter {
 public:
  /// Line ends of either kind become CR LF; a first line "From bob Tue Nov ..." of mailbox files is dropped.
  explicit Letter(std::string_view input);
  Letter(const Letter&) = delete;
  Letter& operator=(const Letter&) = delete;

  /// The addresses of To, Cc and Bcc, or of Resent-To, Resent-Cc and Resent-Bcc where there is one (RFC 5322 3.6.6).
  base::Result<std::vector<std::string>> recipients() const;
  /// The message without Bcc, and with a From. Date and Message-ID are added by the relay.
  std::string finish(const Sender& sender) const;
  bool is_8bit() const;

 private:
  struct Field {
    std::string_view name;
    std::string_view value;
    std::string_view raw;
  };

  bool has(std::string_view name) const;

  std::string text_;
  std::vector<Field> fields_;  ///< views into text_
  std::string_view body_;
  bool too_large_ = false;  ///< the header; the relay says what is wrong with it
};

}  // namespace relay::cli
