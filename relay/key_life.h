// The life of signing keys. A key that replaces another waits until its record is seen in DNS and signs from then on; the other
// one stays published until no mail that it signed can wait any more. Pure: configuration, time and what was seen come in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "dkim/crypto.h"
#include "dns/resolver.h"
#include "relay/settings.h"

namespace relay {

enum class KeyStage : std::uint8_t {
  pending,   ///< its record was not seen yet: it does not sign
  active,    ///< it signs
  retiring,  ///< another one signs; its record is still needed
  retired,   ///< its record and its block may go
};
std::string_view to_string(KeyStage stage);

/// What DNS says of a key.
enum class Published : std::uint8_t {
  unknown,  ///< not asked yet, or DNS could not be asked
  matches,
  missing,
  differs,  ///< another key, several records, or one that cannot be read
};
std::string_view to_string(Published published);

/// Kind::temporary of the answer: unknown.
Published compare(const dkim::PrivateKey& key, const base::Result<dns::Answer>& answer);

/// That a key took over; kept in the spool, so that DNS that fails later changes nothing.
struct Activation {
  std::string domain;
  std::string selector;
  std::string record;  ///< what was seen: another key under the same name is another key
  base::Time when;
  bool retirement_told = false;  ///< of the key that it replaced
};

/// The activations of a spool: a small JSON file.
class Activations {
 public:
  /// A file that is not there is an empty one. Kind::invalid names the file when it cannot be read as one.
  static base::Result<Activations> load(const std::string& path);
  base::Result<void> save(const std::string& path) const;

  const Activation* find(const SigningKey& key) const;
  Activation* find(const SigningKey& key);
  void add(Activation activation) { all_.push_back(std::move(activation)); }

 private:
  std::vector<Activation> all_;
};

/// A key and where it stands; keys that nobody replaces and that replace nobody are active.
struct KeyLife {
  KeyStage stage = KeyStage::active;
  const SigningKey* successor = nullptr;   ///< of a retiring or retired one
  std::optional<base::Time> needed_until;  ///< the record of a retiring or retired one
};
KeyLife life_of(const SigningKey& key, const std::vector<SigningKey>& all, const Activations& activations,
                base::Duration longest_wait, base::Time now);

/// The rules of the keys that are active, in their order.
std::vector<dkim::SigningRule> active_rules(const std::vector<SigningKey>& all, const Activations& activations);

}  // namespace relay
