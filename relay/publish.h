// The DNS records that a relay's mail needs, as values: SPF, DKIM and DMARC of each signing domain, A, PTR and SPF of the host.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net.h"
#include "dkim/crypto.h"

namespace relay {

/// One record to publish.
class PublishedRecord {
 public:
  std::string name;   ///< fully qualified, without the final dot
  std::string zone;   ///< the domain that the name lies in, as a provider's form asks for it
  std::string type;   ///< "TXT", "A", "AAAA", "PTR"
  std::string value;  ///< a TXT's text in one piece
  std::string note;   ///< what it is for and what to watch, one sentence
  friend bool operator==(const PublishedRecord&, const PublishedRecord&) = default;
};

/// A key that signs for a domain.
struct PublishedKey {
  std::string selector;
  std::string domain;
  std::string record;  ///< PrivateKey::public_record()
};

/// What the records are made of.
struct Publication {
  std::string hostname;
  std::string postmaster;
  std::vector<std::string> domains;  ///< that sign, the main one (or the one that hostname lies in) is found here
  std::vector<PublishedKey> keys;
  std::vector<base::IpAddress> relay;     ///< addresses that the relay sends from
  std::vector<base::IpAddress> domestic;  ///< public addresses that send directly as well
};

/// The records, domain by domain and the host last. The main domain lists the addresses, the others include it, so that a new
/// address is one change (RFC 7208 5.2). Without relay addresses a placeholder in angle brackets stands for the one to fill in.
std::vector<PublishedRecord> records_to_publish(const Publication& publication);

/// The name in the form that a provider's web page asks for: "@" for the zone itself, else what stands before it.
std::string name_in_zone(const PublishedRecord& record);

/// A line of a zone file; a TXT is cut into strings of at most 255 octets (RFC 1035 3.3.14, RFC 7208 3.3).
std::string bind_line(const PublishedRecord& record);

/// "4.3.2.1.in-addr.arpa" (RFC 1035 3.5), nibbles under ip6.arpa (RFC 3596 2.5).
std::string reverse_name(const base::IpAddress& address);

}  // namespace relay
