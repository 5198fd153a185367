// records: what to publish in DNS, ready to paste.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "conf/config.h"
#include "relay/cli/commands.h"
#include "relay/cli/display.h"
#include "relay/own_addresses.h"
#include "relay/publish.h"
#include "relay/settings.h"

namespace relay::cli {
namespace {

namespace json = boost::json;

/// Addresses that the world sees: not loopback, private, link-local, carrier-grade, unique local (RFC 6890).
bool is_public(const base::IpAddress& address) {
  for (const char* network : {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                              "192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8"}) {
    if (base::Cidr::parse(network).value().contains(address)) return false;
  }
  return true;
}

std::vector<base::IpAddress> own_public_addresses() {
  std::vector<base::IpAddress> found = own_addresses();
  std::erase_if(found, [](const base::IpAddress& address) { return !is_public(address); });
  return found;
}

std::vector<base::IpAddress> relay_addresses(const conf::Delivery& delivery) {
  std::vector<base::IpAddress> addresses;
  for (const std::string& text : {delivery.bind_ipv4, delivery.bind_ipv6}) {
    if (const auto address = base::IpAddress::parse(text)) addresses.push_back(*address);
  }
  return addresses.empty() ? own_public_addresses() : addresses;
}

Publication publication_of(const Settings& settings, const std::vector<std::string>& only) {
  Publication publication;
  publication.hostname = settings.config.hostname;
  publication.postmaster = settings.config.postmaster;
  publication.relay = relay_addresses(settings.config.delivery);
  std::vector<std::string> domains;
  for (const auto& [rule, replaces] : settings.signing_keys) {
    if (rule.domain != "%") domains.push_back(base::lower(rule.domain));
  }
  for (const std::string& domain : only) domains.push_back(base::lower(domain));
  for (const std::string& domain : domains) {
    if (std::ranges::find(publication.domains, domain) == publication.domains.end()) publication.domains.push_back(domain);
  }
  for (const auto& [rule, replaces] : settings.signing_keys) {
    for (const std::string& domain : publication.domains) {
      const bool signs = rule.domain == "%"
                             ? base::matches_pattern(rule.from, "x@" + domain) || base::matches_pattern(rule.from, domain)
                             : base::equal_ignoring_case(rule.domain, domain);
      if (signs) publication.keys.push_back({rule.selector, domain, rule.key.public_record()});
    }
  }
  return publication;
}

bool is_wanted(const PublishedRecord& record, const Publication& publication, const std::vector<std::string>& only) {
  if (only.empty()) return true;
  const auto ends_in = [&](const std::string& domain) { return record.name == domain || record.name.ends_with("." + domain); };
  const bool of_host = record.name == publication.hostname || record.type == "PTR";
  return of_host || std::ranges::any_of(only, [&](const std::string& domain) {
           return ends_in(base::lower(domain)) || record.name.starts_with(base::lower(domain) + "._report.");
         });
}

void print_text(const std::vector<PublishedRecord>& records) {
  for (const PublishedRecord& record : records) {
    fmt::print("# {}\n{}\n{} {}\n\n", safe_text(record.note), safe_text(record.name), record.type, safe_text(record.value));
  }
}

void print_table(const std::vector<PublishedRecord>& records) {
  std::string zone = "-";
  for (const PublishedRecord& record : records) {
    if (record.zone != zone) {
      fmt::print("[{}]\n", record.zone.empty() ? "PTR" : safe_text(record.zone));
      zone = record.zone;
    }
    fmt::print("记录名 name   {}\n记录类型 type {}\n记录值 value  {}\n# {}\n\n", safe_text(name_in_zone(record)), record.type,
               safe_text(record.value), safe_text(record.note));
  }
}

void print_json(const std::vector<PublishedRecord>& records) {
  json::array all;
  for (const PublishedRecord& record : records) {
    json::object view;
    view["zone"] = record.zone;
    view["name"] = record.name;
    view["type"] = record.type;
    view["value"] = record.value;
    view["note"] = record.note;
    all.push_back(std::move(view));
  }
  fmt::print("{}\n", json::serialize(all));
}

}  // namespace

int records(const Common& common, const RecordsArguments& arguments) {
  const auto config = conf::read_config(common.config_path);
  const auto settings = config ? make_settings(*config, SecretUse::check_only) : std::unexpected(config.error());
  if (!settings) {
    complain(settings.error().words);
    return failed;
  }
  const Publication publication = publication_of(**settings, arguments.domains);
  std::vector<PublishedRecord> all = records_to_publish(publication);
  std::erase_if(all, [&](const PublishedRecord& record) { return !is_wanted(record, publication, arguments.domains); });
  if (common.json || arguments.format == "json") {
    print_json(all);
  } else if (arguments.format == "bind") {
    for (const PublishedRecord& record : all) fmt::print("; {}\n{}\n", record.note, bind_line(record));
  } else if (arguments.format == "table") {
    print_table(all);
  } else {
    print_text(all);
  }
  return done;
}

}  // namespace relay::cli
