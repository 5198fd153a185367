// DNS for commands: one question at a time, waited for.
#pragma once

#include <memory>
#include <string>

#include "dns/resolver.h"
#include "relay/cli/commands.h"

namespace relay::cli {

/// By --dns, else as the configuration's [dns] says when there is one that can be read, else the system's resolvers.
base::Result<std::unique_ptr<dns::Resolver>> make_command_resolver(const Common& common);

/// Blocks until the answer is there, which the resolver bounds.
base::Result<dns::Answer> ask(dns::Resolver& resolver, const std::string& name, dns::RecordType type);

}  // namespace relay::cli
