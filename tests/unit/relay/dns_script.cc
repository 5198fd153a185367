// Answers from a script, at once or when the test says so.
#include "tests/unit/relay/dns_script.h"

#include <utility>

namespace world {
namespace {

using namespace std::chrono_literals;
using dns::RecordType;

Told answer(dns::Status status, const std::vector<std::string>& addresses, base::Duration ttl) {
  dns::Answer answer;
  answer.status = status;
  answer.ttl = ttl;
  for (const std::string& address : addresses) answer.records.emplace_back(base::IpAddress::parse(address).value());
  return answer;
}

}  // namespace

Told found(const std::vector<std::string>& addresses, base::Duration ttl) { return answer(dns::Status::found, addresses, ttl); }
Told nothing() { return answer(dns::Status::no_data, {}, 1h); }
Told no_name() { return answer(dns::Status::no_name, {}, 1h); }
Told broken() { return base::fail(base::Kind::temporary, "DNS: SERVFAIL"); }

class Script::Resolver final : public dns::Resolver {
 public:
  Resolver(Script& script, const World& others) : script_(script) {
    if (others) others(others_);
  }
  void query(std::string name, RecordType type, dns::Callback done) override {
    others_.query(std::move(name), type, std::move(done));
  }
  void query_afresh(std::string name, RecordType type, dns::Callback done) override {
    script_.count();
    script_.take(name, type, std::move(done));
  }

 private:
  Script& script_;
  dns::StaticResolver others_;
};

void Script::set(const std::string& name, Told answer) {
  const std::lock_guard lock(mutex_);
  answers_.insert_or_assign(name, std::move(answer));
}

int Script::asked() {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void Script::hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void Script::release() {
  std::deque<Held> held;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    held.swap(held_);
  }
  for (Held& each : held) take(each.name, each.type, std::move(each.done));
}

void Script::take(const std::string& name, RecordType type, dns::Callback done) {
  Told told = nothing();
  {
    const std::lock_guard lock(mutex_);
    if (holding_) {
      held_.push_back(Held{name, type, std::move(done)});
      return;
    }
    if (type == RecordType::a) told = answers_.at(name);
  }
  done(std::move(told));
}

void Script::count() {
  const std::lock_guard lock(mutex_);
  ++asked_;
}

std::unique_ptr<dns::Resolver> Script::resolver(const World& others) { return std::make_unique<Resolver>(*this, others); }

}  // namespace world
