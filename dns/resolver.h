// What the rest of mailferry knows of DNS: questions by value, answers by callback. Two resolvers: c-ares, and a static table.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/net.h"
#include "base/result.h"
#include "base/units.h"

namespace dns {

using base::Result;

enum class RecordType : std::uint16_t { a = 1, ptr = 12, mx = 15, txt = 16, aaaa = 28 };

struct MxRecord {
  std::uint16_t preference = 0;
  std::string exchange;  ///< lower case, no final dot; empty for the root (null MX, RFC 7505)
  friend auto operator<=>(const MxRecord&, const MxRecord&) = default;
};

/// IpAddress for A and AAAA; a string for PTR (a name) and TXT (its strings joined).
using Record = std::variant<base::IpAddress, MxRecord, std::string>;

enum class Status : std::uint8_t {
  found,
  no_data,  ///< the name exists without such a record
  no_name,  ///< NXDOMAIN
};

/// An answer that DNS gave. That it could not be asked (SERVFAIL, time-out, refused, nonsense) is an Error of Kind::temporary
/// instead.
class Answer {
 public:
  Status status = Status::found;
  std::vector<Record> records;
  base::Duration ttl{0};   ///< of the answer, or of the negative one (RFC 2308)
  bool authentic = false;  ///< the resolver says AD (RFC 4035)
};

using Callback = std::move_only_function<void(Result<Answer>)>;

/// Thread-safe. The callback runs on any thread, once, also when the resolver is destroyed (Kind::cancelled); before query()
/// returns when the answer is known. It may ask again, and must not destroy the resolver. A name that DNS cannot hold (empty, too
/// long, blanks, control characters) is Kind::invalid.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;
  virtual void query(std::string name, RecordType type, Callback done) = 0;
  /// The same past the cache: DNS is asked, and what it says takes the place of what was kept.
  virtual void query_afresh(std::string name, RecordType type, Callback done) = 0;
};

struct ResolverOptions {
  std::vector<base::Endpoint> servers;  ///< empty: the system's (/etc/resolv.conf)
  base::Duration timeout{5000};         ///< for a whole question, tries and servers included
  std::size_t cache = 20000;            ///< answers; the least recently used go first
};

/// c-ares on a thread of its own, with a cache by TTL (capped to a day; negative answers 15 minutes at most).
Result<std::unique_ptr<Resolver>> make_resolver(const ResolverOptions& options);

/// A world in a table: names that are missing are NXDOMAIN. For the playground and tests. Filled before it is asked.
class StaticResolver final : public Resolver {
 public:
  void add(std::string_view name, RecordType type, Record record);
  void fail(std::string_view name, RecordType type);  ///< answers SERVFAIL
  void query(std::string name, RecordType type, Callback done) override;
  void query_afresh(std::string name, RecordType type, Callback done) override { query(std::move(name), type, std::move(done)); }

 private:
  std::map<std::pair<std::string, RecordType>, Result<Answer>> answers_;
  std::set<std::string> names_;  ///< that exist, those above them included
};

}  // namespace dns
