// serve, config check, config show: the commands that begin with the configuration file.
#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "conf/config.h"
#include "relay/cli/commands.h"
#include "relay/cli/display.h"
#include "relay/daemon.h"
#include "relay/privileges.h"

namespace relay::cli {
namespace {}  // namespace

void complain(const std::string& words) {
  std::string text;
  for (const std::string_view line : base::split(words, '\n'))
    text += fmt::format("{}{}", text.empty() ? "" : "\n", safe_text(line));
  fmt::print(stderr, "mailferry: {}\n", text);
}

int code_of(const base::Result<void>& result) {
  if (result) return done;
  complain(result.error().words);
  return failed;
}

int serve(const Common& common, bool check_only) {
  if (check_only) return config_check(common);
  const auto config = conf::read_config(common.config_path);
  if (!config) {
    complain(config.error().words);
    return failed;
  }
  for (const std::string& warning : conf::warnings(*config)) complain("warning: " + warning);
  const auto left = leave_root(*config, service_user);
  if (!left) {
    complain(left.error().words);
    return failed;
  }
  if (!left->empty()) complain("warning: " + *left);
  DaemonOptions options;
  options.config_path = common.config_path;
  auto daemon = Daemon::make(*config, std::move(options));
  if (!daemon) {
    complain(daemon.error().words);
    return failed;
  }
  (*daemon)->run();
  return done;
}

int config_check(const Common& common) {
  const auto config = conf::read_config(common.config_path);
  if (!config) {
    complain(config.error().words);
    return failed;
  }
  for (const std::string& warning : conf::warnings(*config)) complain("warning: " + warning);
  const auto settings = make_settings(*config, SecretUse::check_only);
  if (!settings) {
    complain(settings.error().words);
    return failed;
  }
  fmt::print("{} is valid\n", common.config_path);
  return done;
}

int config_show(const Common& common) {
  const auto config = conf::read_config(common.config_path);
  if (!config) {
    complain(config.error().words);
    return failed;
  }
  fmt::print("{}", common.json ? conf::show_config_json(*config) + "\n" : conf::show_config(*config));
  return done;
}

}  // namespace relay::cli
