// To whom we authenticate, and with what.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/mx.h"
#include "relay/settings.h"

namespace relay::delivery {

struct Login {
  std::string username;
  std::string password;
  friend bool operator==(const Login&, const Login&) = default;
};

/// What the destination's route has for this host: for those that it names itself, never for those that DNS names.
std::optional<Login> login_for(const Settings& settings, std::string_view destination, const dns::Candidate& host);

}  // namespace relay::delivery
