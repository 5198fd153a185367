// Looks at the published records of signing keys, lets a new key take over when its record is there, and raises the alarm when
// one that was right is right no more.
#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "relay/key_life.h"
#include "relay/notices.h"
#include "relay/services.h"

namespace relay {

/// On the loop alone.
class KeyWatch {
 public:
  /// `alert`: postmaster must know.
  KeyWatch(Services& services, std::function<void(Alert)> alert) : services_(services), alert_(std::move(alert)) {}
  KeyWatch(const KeyWatch&) = delete;
  KeyWatch& operator=(const KeyWatch&) = delete;

  /// Reads what the spool remembers, and lets the keys sign that are active by it.
  base::Result<void> open();
  /// After a reload: the keys of the new settings.
  void apply();
  /// Until the loop ends: pending keys every two minutes, all of them once a day.
  Task<void> run();
  /// For status: a key each, with its stage and what DNS says.
  boost::json::array view() const;

 private:
  struct Seen {
    Published published = Published::unknown;
    bool was_right = false;
    base::Time checked;
  };
  using Name = std::pair<std::string, std::string>;  ///< domain, selector
  using SettingsPtr = std::shared_ptr<const Settings>;

  std::string path() const;
  KeyLife life_of(const Settings& settings, const SigningKey& key) const;
  Task<void> check(SettingsPtr settings, const SigningKey& key);
  void activate(const Settings& settings, const SigningKey& key);
  void judge(const SigningKey& key, Seen& seen, Published published);
  void tell_of_retirement(const Settings& settings, const SigningKey& key);

  Services& services_;
  std::function<void(Alert)> alert_;
  Activations activations_;
  std::map<Name, Seen> seen_;  ///< as many as there are keys
};

}  // namespace relay
