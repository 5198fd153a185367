// Which domains go by the fallback of their route, since their own hosts would not have our mail. Pure: time is a parameter.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "queue/store.h"

namespace relay::delivery {

struct Fallback {
  std::string domain;
  base::Time until;
  std::string reason;  ///< what the domain's own hosts said

  queue::Remembered to_remember() const;
  /// Nothing for what makes no sense.
  static std::optional<Fallback> from(const queue::Remembered& thing);
};

class Fallbacks {
 public:
  /// In use at this time, or null.
  const Fallback* find(const std::string& domain, base::Time now) const;
  /// At most 100,000 domains; what is over is not remembered.
  void take_up(Fallback fallback);
  std::optional<Fallback> end(const std::string& domain);
  const std::map<std::string, Fallback>& all() const { return all_; }

 private:
  std::map<std::string, Fallback> all_;
};

}  // namespace relay::delivery
