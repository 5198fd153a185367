// Content-Transfer-Encodings written while content streams by (RFC 2045 6.7, 6.8); lines of at most 76 octets.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace mail {

/// Appends what it is fed to `out`, encoded; the result does not depend on how the content is cut.
class TransferEncoder {
 public:
  TransferEncoder() = default;
  TransferEncoder(const TransferEncoder&) = delete;
  TransferEncoder& operator=(const TransferEncoder&) = delete;
  virtual ~TransferEncoder() = default;
  virtual void feed(std::string_view octets, std::string& out) = 0;
  /// The part is over; what is written does not end its last line unless the part did.
  virtual void finish(std::string& out) = 0;
};

/// CR LF of the content are the line ends of the encoded text.
std::unique_ptr<TransferEncoder> quoted_printable_encoder();
/// One line end less than lines.
std::unique_ptr<TransferEncoder> base64_encoder();
/// Content that is quoted-printable already, but with long lines: soft line breaks are put in.
std::unique_ptr<TransferEncoder> quoted_printable_wrapper();
/// The same for base64.
std::unique_ptr<TransferEncoder> base64_wrapper();

}  // namespace mail
