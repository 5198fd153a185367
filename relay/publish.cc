// Making the records of a domain that sends through this relay.
#include "relay/publish.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace relay {
namespace {

constexpr std::size_t longest_string = 255;
constexpr std::string_view no_address = "<address of this server>";

bool is_below(std::string_view name, std::string_view domain) {
  return name == domain ||
         (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

/// The signing domain that the host lies in, else the first.
std::string main_domain(const Publication& publication) {
  for (const std::string& domain : publication.domains) {
    if (is_below(publication.hostname, domain)) return domain;
  }
  return publication.domains.empty() ? std::string() : publication.domains.front();
}

/// Where the host's own records go: a signing domain above it, else the name behind its first label.
std::string zone_of_host(const Publication& publication) {
  std::string domain = main_domain(publication);
  if (!domain.empty() && is_below(publication.hostname, domain)) return domain;
  const std::size_t dot = publication.hostname.find('.');
  return dot == std::string::npos ? publication.hostname : publication.hostname.substr(dot + 1);
}

std::string spf_addresses(const std::vector<base::IpAddress>& addresses) {
  std::string text;
  for (const base::IpAddress& address : addresses) {
    fmt::format_to(std::back_inserter(text), " {}:{}", address.is_v6() ? "ip6" : "ip4", address.to_string());
  }
  return text;
}

PublishedRecord spf_of(const Publication& publication, const std::string& domain) {
  const std::string main = main_domain(publication);
  if (domain != main) {
    return {domain, domain, "TXT", fmt::format("v=spf1 mx include:{} ~all", main),
            fmt::format("SPF: whoever may send for {} may send for this domain; a domain has one SPF record only", main)};
  }
  std::string addresses = spf_addresses(publication.relay);
  if (addresses.empty()) addresses = fmt::format(" ip4:{}", no_address);
  return {domain, domain, "TXT", fmt::format("v=spf1 a mx{}{} ~all", addresses, spf_addresses(publication.domestic)),
          "SPF: this relay may send for the domain; a domain has one SPF record only, put what is new into an old one"};
}

void add_dmarc(const Publication& publication, const std::string& domain, std::vector<PublishedRecord>& all) {
  all.push_back({"_dmarc." + domain, domain, "TXT", fmt::format("v=DMARC1; p=none; rua=mailto:{}", publication.postmaster),
                 "DMARC: reports go to postmaster; p=quarantine or p=reject when the reports show nothing but your own mail"});
  const std::size_t at = publication.postmaster.rfind('@');
  const std::string reports = at == std::string::npos ? std::string() : base::lower(publication.postmaster.substr(at + 1));
  if (reports.empty() || is_below(reports, domain) || is_below(domain, reports)) return;
  all.push_back({fmt::format("{}._report._dmarc.{}", domain, reports), reports, "TXT", "v=DMARC1",
                 fmt::format("DMARC: {} takes the reports of {}", reports, domain)});
}

void add_host(const Publication& publication, std::vector<PublishedRecord>& all) {
  const std::string zone = zone_of_host(publication);
  const std::string& host = publication.hostname;
  if (publication.relay.empty()) {
    all.push_back({host, zone, "A", std::string(no_address), "the relay's name leads to its address"});
  }
  for (const base::IpAddress& address : publication.relay) {
    all.push_back({host, zone, address.is_v6() ? "AAAA" : "A", address.to_string(), "the relay's name leads to its address"});
  }
  all.push_back({host, zone, "TXT", "v=spf1 a -all", "SPF of the EHLO name: what bounces carry is judged by it"});
  for (const base::IpAddress& address : publication.relay) {
    all.push_back({reverse_name(address), {}, "PTR", host, "set where the address was rented, not in your own DNS"});
  }
  if (publication.relay.empty()) {
    all.push_back({std::string(no_address), {}, "PTR", host, "set where the address was rented, not in your own DNS"});
  }
}

}  // namespace

std::vector<PublishedRecord> records_to_publish(const Publication& publication) {
  std::vector<PublishedRecord> all;
  for (const std::string& domain : publication.domains) {
    all.push_back(spf_of(publication, domain));
    for (const PublishedKey& key : publication.keys) {
      if (key.domain != domain) continue;
      all.push_back({fmt::format("{}._domainkey.{}", key.selector, domain), domain, "TXT", key.record,
                     "DKIM: the public half of the key that signs"});
    }
    add_dmarc(publication, domain, all);
  }
  add_host(publication, all);
  return all;
}

std::string name_in_zone(const PublishedRecord& record) {
  if (record.zone.empty() || !is_below(record.name, record.zone)) return record.name;
  if (record.name == record.zone) return "@";
  return record.name.substr(0, record.name.size() - record.zone.size() - 1);
}

std::string bind_line(const PublishedRecord& record) {
  if (record.type != "TXT")
    return fmt::format("{}. IN {} {}{}", record.name, record.type, record.value, record.type == "PTR" ? "." : "");
  std::string strings;
  for (std::size_t at = 0; at < record.value.size(); at += longest_string) {
    fmt::format_to(std::back_inserter(strings), " \"{}\"", record.value.substr(at, longest_string));
  }
  return fmt::format("{}. IN TXT ({} )", record.name, strings);
}

std::string reverse_name(const base::IpAddress& address) {
  const auto& octets = address.octets();
  if (!address.is_v6()) return fmt::format("{}.{}.{}.{}.in-addr.arpa", octets[3], octets[2], octets[1], octets[0]);
  std::string name;
  for (std::size_t i = octets.size(); i-- > 0;) {
    fmt::format_to(std::back_inserter(name), "{:x}.{:x}.", octets[i] & 0xFU, octets[i] >> 4U);
  }
  return name + "ip6.arpa";
}

}  // namespace relay
