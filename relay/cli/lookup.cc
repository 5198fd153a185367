// Waiting for the resolver's thread.
#include "relay/cli/lookup.h"

#include <future>

#include "conf/config.h"

namespace relay::cli {

base::Result<std::unique_ptr<dns::Resolver>> make_command_resolver(const Common& common) {
  dns::ResolverOptions options;
  if (!common.dns.empty()) {
    const auto server = base::parse_endpoint(common.dns);
    if (!server) return std::unexpected(server.error());
    options.servers = {*server};
  } else if (const auto config = conf::read_config(common.config_path)) {
    options.servers = config->dns.servers;
    options.timeout = config->dns.timeout;
  }
  return dns::make_resolver(options);
}

base::Result<dns::Answer> ask(dns::Resolver& resolver, const std::string& name, dns::RecordType type) {
  std::promise<base::Result<dns::Answer>> promise;
  auto answer = promise.get_future();
  // The callback's thread may still be inside set_value() when we have gone on: the promise is its own.
  resolver.query(name, type,
                 [promise = std::move(promise)](base::Result<dns::Answer> got) mutable { promise.set_value(std::move(got)); });
  return answer.get();
}

}  // namespace relay::cli
