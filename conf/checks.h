// What makes a value impossible: checks of one value, for the field list, and of several together.
#pragma once

#include <string>
#include <vector>

#include "conf/config.h"
#include "conf/mistakes.h"
#include "conf/values.h"

namespace conf {

/// From `least` to `most`, both allowed; numbers, sizes and durations.
Check<std::uint64_t> between(std::uint64_t least, std::uint64_t most);
Check<Bytes> between(Bytes least, Bytes most);
Check<Duration> between(Duration least, Duration most);
/// For a value that may be left unset.
Check<std::optional<Duration>> if_set(Check<Duration> check);

// Each may bring the value to its normal form (lower case).
std::string check_port(std::uint16_t& port);
std::string check_hostname(std::string& name);       ///< fully qualified (RFC 5321 2.3.5), or "localhost"
std::string check_domain(std::string& name);         ///< any domain
std::string check_postmaster(std::string& address);  ///< a mailbox at a domain
/// A domain, or "*." and a domain for those below it; no other pattern, so that none means everybody.
std::string check_sender_domain(std::string& pattern);
std::string check_aliases(Aliases& aliases);            ///< names, targets, no name twice
std::string check_key_pin(std::string& pin);            ///< "sha256:" and 64 hex digits
std::string check_path(std::string& path);              ///< not empty
std::string check_submit_path(std::string& path);       ///< the same, or empty
std::string check_socket_path(std::string& path);       ///< fits into sockaddr_un
std::string check_ipv4(std::string& address);           ///< or empty
std::string check_ipv6(std::string& address);           ///< or empty
std::string check_canonicalization(std::string& form);  ///< RFC 6376 3.4
std::string check_field_name(std::string& name);        ///< RFC 5322 2.2
std::string check_oversign(std::vector<std::string>& names);
std::string check_from_pattern(std::string& pattern);    ///< of [[dkim.sign]]
std::string check_signing_domain(std::string& domain);   ///< a domain or "%"
std::string check_selector(std::string& selector);       ///< labels with dots between (RFC 6376 3.1)
std::string check_replaced(std::string& selector);       ///< the same, or empty
std::string check_identity(std::string& identity);       ///< of [[dkim.sign]]: "@domain" or "local-part@domain", or empty
std::string check_domain_pattern(std::string& pattern);  ///< of [[route]]
std::string check_shape_pattern(std::string& pattern);   ///< the same, or empty
std::string check_route_host(std::string& host);
std::string check_fallback_host(std::string& host);        ///< the same, but for "mx"
std::string check_username(std::string& name);             ///< of SMTP AUTH, or empty
std::string check_date(std::string& date);                 ///< "2026-12-01", or empty
std::string check_status(std::string& status);             ///< "5.7.1" or "4.7.500-4.7.699"
std::string check_reply_text(std::string& text);           ///< not empty; in lower case then
std::string check_record_name(std::string& record);        ///< of [[reply]]: what to mend, or empty
std::string check_command(std::string& command);           ///< begins with an absolute path, or empty
std::string check_hosts(std::vector<std::string>& hosts);  ///< at least one
std::string check_delays(std::vector<Duration>& delays);   ///< at least one

/// Values that are right alone but not together; `root` tells where they stand.
void check_together(const Config& config, const Node& root, Mistakes& mistakes);

}  // namespace conf
