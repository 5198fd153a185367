// Fuzzes the SASL mechanisms: what a client says in lines; nobody gets in without a proof. The first octet chooses the mechanism.
#include "relay/intake/sasl.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "tests/unit/relay/users.h"

using namespace relay::intake;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Users users = Users::parse(world::users_text(), "users").value();
  constexpr std::array<std::string_view, 3> mechanisms{"PLAIN", "LOGIN", "SCRAM-SHA-256"};
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  sasl::Exchange exchange(users, mechanisms[data[0] % 3], "nonce");
  for (const std::string_view line : base::split(text, '\n')) {
    const sasl::Step step = exchange.next(line);
    if (std::holds_alternative<sasl::Success>(step)) std::abort();
    if (const auto* check = std::get_if<sasl::CheckPassword>(&step)) {
      if (check->name.empty() || check->name.size() > Users::longest_name) std::abort();
    }
    if (!std::holds_alternative<sasl::Challenge>(step)) break;
  }
  return 0;
}
