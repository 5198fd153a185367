// The configuration as values: every key of mailferry.toml with its default, units in the types.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
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
enum class Malformed : std::uint8_t { reject, pass };
enum class LongLines : std::uint8_t { reencode, reject, pass };
/// How much our Received line and those before it tell of a trusted client.
enum class Trace : std::uint8_t { full, hidden, strip };
enum class DkimMode : std::uint8_t { off, sign, verify, sign_and_verify };
constexpr bool signs(DkimMode mode) { return mode == DkimMode::sign || mode == DkimMode::sign_and_verify; }
constexpr bool verifies(DkimMode mode) { return mode == DkimMode::verify || mode == DkimMode::sign_and_verify; }
enum class OnSignFailure : std::uint8_t { accept, tempfail, reject };
enum class Unsigned : std::uint8_t { accept, reject };
/// verified: the certificate is good and for the host's name.
enum class DeliveryTls : std::uint8_t { off, opportunistic, required, verified };
enum class IpVersions : std::uint8_t { ipv4_first, ipv6_first, ipv4_only, ipv6_only };
/// What a refusal calls for: try again; slow down; mend our DNS or configuration; give the mail back; stop and ask for delisting.
enum class ReplyAction : std::uint8_t { retry, throttle, fix, stop, pause };
/// Whom a refusal concerns: all of the receiver's hosts, the recipient's domain, the sender's domain, or just this recipient.
enum class ReplyScope : std::uint8_t { receiver, domain, sender, recipient };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string to = "stderr";  ///< stderr, syslog, or a file's absolute path
};

struct Listen {
  base::Endpoint address{{}, 25};  ///< 0.0.0.0:25
  ListenTls tls = ListenTls::starttls;
  bool require_tls = false;
  std::vector<base::Cidr> proxy;  ///< balancers that begin with a PROXY header
};

struct Tls {
  TlsMinimum minimum = TlsMinimum::tls1_2;
  std::string certificate;  ///< absolute path; both empty: self-signed
  std::string key;
  std::string client_ca;  ///< absolute path, or empty
};

struct Accept {
  std::vector<base::Cidr> mynetworks;   ///< defaults(): loopback
  std::vector<std::string> host_names;  ///< those of key "mynetworks", in lower case
  Duration ddns_refresh = std::chrono::minutes(1);
  Duration ddns_keep = std::chrono::hours(4);
  std::vector<std::string> sender_domains;       ///< patterns on domains; empty: any
  std::optional<base::Rate> sender_rate;         ///< recipients of a reverse-path; written "": unlimited
  std::vector<std::string> relay_domains;        ///< in lower case
  std::vector<base::Cidr> xclient;               ///< intermediaries that may speak for others
  std::vector<std::string> client_certificates;  ///< "sha256:" and 64 hex digits in lower case
  Bytes message_size{50ULL << 20U};
  std::uint64_t recipients = 1000;
  std::uint64_t connections = 1000;
  std::uint64_t connections_per_client = 100;
  std::string users;                                    ///< absolute path; empty: no AUTH
  Duration commands_timeout = std::chrono::minutes(5);  ///< RFC 5321 4.5.3.2.7
  Bytes min_free_space{256ULL << 20U};
  BareNewline bare_newline = BareNewline::normalize;
  Malformed malformed = Malformed::reject;
  LongLines long_lines = LongLines::reencode;
  Trace received = Trace::full;
  Duration duplicates = std::chrono::hours(6);  ///< 0: not looked for
};

struct DkimSign {
  std::string from;      ///< pattern on the From: address, or on its domain when it has no @
  std::string domain;    ///< d=; "%" is the From: domain
  std::string selector;  ///< s=
  std::string key;       ///< absolute path
  std::string identity;  ///< i=, at domain or below it; empty: not written
  std::string replaces;  ///< selector of the domain's key that this one takes over from, once it is seen in DNS; empty: none
};

struct Dkim {
  DkimMode mode = DkimMode::sign_and_verify;
  std::string canonicalization = "relaxed/relaxed";  ///< one of the four header/body forms
  std::vector<std::string> sign_headers;             ///< empty: the recommended set
  std::vector<std::string> oversign = {"From"};      ///< field names, "recommended", or "none" alone
  OnSignFailure on_sign_failure = OnSignFailure::tempfail;
  Unsigned unsigned_mail = Unsigned::accept;  ///< key "unsigned"
  std::uint64_t min_key_bits = 1024;
  std::optional<Duration> lifetime;  ///< of a signature (x=); written "": none
  std::vector<DkimSign> sign;
};

struct Delivery {
  std::uint16_t port = 25;
  std::string bind_ipv4;  ///< empty: the system chooses
  std::string bind_ipv6;
  IpVersions ip_versions = IpVersions::ipv4_first;
  std::uint64_t connections = 500;
  DeliveryTls tls = DeliveryTls::opportunistic;
  std::string warmup;  ///< "2026-12-01", or empty
};

/// What a shape or a route says otherwise than [retry].
struct RetryOverride {
  std::vector<Duration> delays;     ///< empty: as [retry]
  std::optional<Duration> give_up;  ///< written ""; as [retry]
  std::optional<Duration> warn;
};

struct Shape {
  std::string mx;                             ///< pattern on the MX host, or empty
  std::string domain;                         ///< pattern on the recipient's domain, or empty; just one of the two is set
  std::uint64_t connections = 0;              ///< 0: as the receiver's profile
  std::uint64_t messages_per_connection = 0;  ///< 0: as the profile
  std::optional<base::Rate> rate;             ///< transactions; unset: as the profile
  std::optional<DeliveryTls> tls;             ///< unset: as the profile
  RetryOverride retry;
};

struct Route {
  std::string domain;              ///< pattern; "*" is the default route
  std::vector<std::string> hosts;  ///< "host:port", "[1.2.3.4]:25", "mx"; at least one, form checked
  DeliveryTls tls = DeliveryTls::opportunistic;
  RetryOverride retry;
  std::string username;               ///< for the hosts named here and in fallback, never for those of "mx"; empty: no AUTH
  std::string password_file;          ///< absolute path
  std::vector<std::string> fallback;  ///< hosts for what the others refuse because of who we are; may be empty
  Duration remember = std::chrono::days(7);  ///< how long a domain that needed the fallback goes there at once
};

/// What replies mean that match all that is set here ([[reply]], and the built-in table).
struct ReplyRule {
  std::string provider;             ///< name of a profile; empty: any
  std::string mx;                   ///< pattern on the MX host; empty: any
  std::vector<std::uint64_t> code;  ///< one of them; empty: any
  std::vector<std::string> status;  ///< one of them, "5.7.1" or a range "4.7.500-4.7.699"; empty: any
  std::vector<std::string> text;    ///< one of them stands in the reply, in any case; empty: any
  ReplyAction action = ReplyAction::retry;
  std::optional<ReplyAction> then;  ///< after three refusals in a row
  std::optional<Duration> wait;     ///< before the next attempt, or the next probe of a pause
  std::optional<ReplyScope> scope;  ///< unset: the receiver, or the recipient's domain where neither provider nor mx is set
  std::string record;               ///< what to mend: "ptr", "spf", "dkim", "dmarc", "tls", "ipv6", "soa", "from"; or empty
  std::string meaning;              ///< a sentence
  std::string chinese;              ///< the same
  std::string link;                 ///< where to ask for delisting, or what explains it
};

struct Retry {
  std::vector<Duration> delays = {std::chrono::minutes(1),  std::chrono::minutes(5), std::chrono::minutes(15),
                                  std::chrono::minutes(30), std::chrono::hours(1),   std::chrono::hours(2),
                                  std::chrono::hours(4)};  ///< at least one
  Duration give_up = std::chrono::days(5);
  Duration warn = std::chrono::hours(4);  ///< 0: no delay notice
};

/// Mail to a local part of this host.
struct Alias {
  std::string local_part;  ///< in lower case
  std::string target;      ///< "postmaster", or a mailbox
};
using Aliases = std::vector<Alias>;

struct Local {
  Aliases aliases = {{"abuse", "postmaster"}, {"root", "postmaster"}};
  std::vector<std::string> destinations = {"localhost"};
};

struct Dns {
  std::vector<base::Endpoint> servers;  ///< empty: the system's resolvers
  Duration timeout = std::chrono::seconds(5);
  std::uint64_t cache = 20000;
};

struct AlertTo {
  std::string command;  ///< path of a program and its arguments; empty: none
};

struct Admin {
  std::string socket = "/run/mailferry/admin.sock";   ///< at most 107 octets (sun_path)
  std::string submit = "/run/mailferry/submit.sock";  ///< the same; empty: none
};

/// Keys of features that are not there yet have no member: the field list accepts their off value and refuses others.
struct Config {
  std::string hostname;
  std::string postmaster;
  std::string spool = "/var/lib/mailferry";
  bool spool_unsafe = false;  ///< take a spool in memory or on a network
  std::uint64_t threads = 0;  ///< 0: one per core
  Log log;
  std::vector<Listen> listen;  ///< defaults(): 0.0.0.0:25 with STARTTLS
  Tls tls;
  Accept accept;
  Dkim dkim;
  Delivery delivery;
  std::vector<Shape> shape;
  std::vector<Route> route;
  std::vector<ReplyRule> reply;
  Retry retry;
  Local local;
  Dns dns;
  Admin admin;
  AlertTo alert;
};

/// The defaults; hostname and postmaster are empty.
Config defaults();

/// A mistake in the file: "mailferry.toml:12:3: accept.message_sise: unknown key; did you mean message_size?"
/// All mistakes are found in one reading, one a line of the error's words (Kind::invalid).
Result<Config> read_config(const std::string& path);
/// The same from text; relative paths are relative to `directory`, `name` stands in errors.
Result<Config> parse_config(std::string_view text, const std::string& name, const std::string& directory);

/// The longest that mail may wait anywhere: so long a published key is needed after its last signature.
Duration longest_wait(const Config& config);

/// What is allowed but hardly meant, one sentence each: "accept.mynetworks: ...". For a Config that was read without mistakes.
std::vector<std::string> warnings(const Config& config);

/// The effective configuration as TOML with all defaults filled in; parse_config() of it gives the same Config.
/// Keys of features that are not there yet stand with their off value and a remark.
std::string show_config(const Config& config);
/// The same as JSON text.
std::string show_config_json(const Config& config);
/// The file to begin with (packaging/mailferry.toml): every key with its meaning; defaults are commented out.
std::string sample_config();

/// Every key that is known, "accept.mynetworks" ..., with what it means: what the manual must tell.
struct KeyHelp {
  std::string key;
  std::string help;
  bool supported = true;
};
std::vector<KeyHelp> known_keys();

}  // namespace conf
