// The configuration as values: every key of mailferry.toml with its default, units in the types.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/net.h"
#include "base/result.h"
#include "base/units.h"

namespace conf {

using base::Bytes;
using base::Duration;
using base::Result;

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };
enum class ListenTls : std::uint8_t { none, starttls, implicit };
enum class TlsMinimum : std::uint8_t { tls1_0, tls1_2, tls1_3 };
enum class BareNewline : std::uint8_t { normalize, reject };
enum class DkimMode : std::uint8_t { off, sign };
enum class OnSignFailure : std::uint8_t { accept, tempfail, reject };
enum class Unsigned : std::uint8_t { accept, reject };
enum class DeliveryTls : std::uint8_t { off, opportunistic, required };
enum class IpVersions : std::uint8_t { ipv4_first, ipv6_first, ipv4_only, ipv6_only };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string to = "stderr";  ///< stderr, syslog, or a file's absolute path
};

struct Listen {
  base::Endpoint address;
  ListenTls tls = ListenTls::starttls;
  bool require_tls = false;
};

struct Tls {
  TlsMinimum minimum = TlsMinimum::tls1_2;
  std::string certificate;  ///< absolute path; both empty: self-signed
  std::string key;
};

struct Accept {
  std::vector<base::Cidr> mynetworks;  ///< default: loopback
  Bytes message_size;
  std::uint64_t recipients = 1000;
  std::uint64_t connections = 1000;
  std::uint64_t connections_per_client = 100;
  Duration commands_timeout{300'000};
  Bytes min_free_space;
  BareNewline bare_newline = BareNewline::normalize;
};

struct DkimSign {
  std::string from;
  std::string domain;
  std::string selector;
  std::string key;  ///< absolute path
};

struct Dkim {
  DkimMode mode = DkimMode::sign;
  std::string canonicalization = "relaxed/relaxed";
  std::vector<std::string> sign_headers;
  std::vector<std::string> oversign = {"From"};
  OnSignFailure on_sign_failure = OnSignFailure::tempfail;
  Unsigned unsigned_mail = Unsigned::accept;  ///< key "unsigned"
  std::uint64_t min_key_bits = 1024;
  std::vector<DkimSign> sign;
};

struct Delivery {
  std::uint16_t port = 25;
  std::string bind_ipv4;
  std::string bind_ipv6;
  IpVersions ip_versions = IpVersions::ipv4_first;
  std::uint64_t connections = 500;
  DeliveryTls tls = DeliveryTls::opportunistic;
};

struct Route {
  std::string domain;              ///< pattern; "*" is the default route
  std::vector<std::string> hosts;  ///< "host:port", "[1.2.3.4]:25", "mx"; checked
  DeliveryTls tls = DeliveryTls::opportunistic;
};

struct Retry {
  std::vector<Duration> delays;
  Duration give_up;
};

struct Local {
  std::vector<std::string> destinations = {"localhost"};
};

struct Dns {
  std::vector<base::Endpoint> servers;
  Duration timeout{5000};
  std::uint64_t cache = 20000;
};

struct Admin {
  std::string socket = "/run/mailferry/admin.sock";
};

/// Keys of features that are not there yet have no member: config.cc accepts their off value and refuses others.
struct Config {
  std::string hostname;
  std::string postmaster;
  std::string spool = "/var/lib/mailferry";
  std::uint64_t threads = 0;  ///< 0: one per core
  Log log;
  std::vector<Listen> listen;  ///< default: 0.0.0.0:25 with STARTTLS
  Tls tls;
  Accept accept;
  Dkim dkim;
  Delivery delivery;
  std::vector<Route> route;
  Retry retry;
  Local local;
  Dns dns;
  Admin admin;
};

/// The defaults; hostname and postmaster are empty.
Config defaults();

/// A mistake in the file: "mailferry.toml:12:3: accept.message_sise: unknown key; did you mean message_size?"
/// All mistakes are found in one reading, one a line of the error's words (Kind::invalid).
Result<Config> read_config(const std::string& path);
/// The same from text; relative paths are relative to `directory`, `name` stands in errors.
Result<Config> parse_config(std::string_view text, const std::string& name, const std::string& directory);

/// The effective configuration as TOML with all defaults filled in; parse_config() of it gives the same Config.
std::string show_config(const Config& config);
/// The same as JSON text.
std::string show_config_json(const Config& config);

/// Every key that is known, "accept.mynetworks" ..., with one sentence each: what the manual must tell.
struct KeyHelp {
  std::string key;
  std::string help;
  bool supported = true;
};
std::vector<KeyHelp> known_keys();

}  // namespace conf
