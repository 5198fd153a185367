// What a receiver finds when it checks the DKIM signatures of a whole message.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dkim/crypto.h"

namespace world {

/// A selector and its key, as DNS would publish it.
using Published = std::vector<std::pair<std::string, dkim::PublicKey>>;

/// One entry a DKIM-Signature field, top to bottom: "us pass", or the selector and why not.
std::vector<std::string> check_signatures(std::string_view message, const Published& keys);

}  // namespace world
