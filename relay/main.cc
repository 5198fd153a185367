// The program: one table of sub-commands. CLI11 parses, relay/cli acts.
#include <ares.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <boost/version.hpp>
#include <functional>

#include "relay/cli/commands.h"
#include "relay/version.h"

namespace {

using relay::cli::Common;
using relay::cli::QueueArguments;
using Action = std::function<int()>;

/// What the command line chose.
struct Choice {
  Common common;
  QueueArguments queue;
  std::string id;
  std::string listen = "127.0.0.1:2525";
  bool check_only = false;
  bool once = false;
  Action action;
};

std::string version_text() {
  return fmt::format("mailferry {}\nBoost {}.{}.{}, {}, SQLite {}, c-ares {}", relay::version, BOOST_VERSION / 100000,
                     BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100, OpenSSL_version(OPENSSL_VERSION), sqlite3_libversion(),
                     ares_version(nullptr));
}

CLI::App* add_command(CLI::App& parent, Choice& choice, const std::string& name, const std::string& help, Action action) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("-c", choice.common.config_path, "the configuration file")->type_name("FILE")->capture_default_str();
  command->callback([&choice, action = std::move(action)] { choice.action = action; });
  return command;
}

void add_json(CLI::App* command, Choice& choice) { command->add_flag("--json", choice.common.json, "print JSON"); }

void add_filters(CLI::App* command, Choice& choice) {
  for (const std::string name : {"id", "from", "to", "domain", "state"}) {
    const std::string help = name == "state" ? "queued, deferred, active, held or failed"
                             : name == "id"  ? "a queue id"
                                             : "a pattern, with * and ?";
    command->add_option_function<std::string>(
        "--" + name, [&choice, name](const std::string& value) { choice.queue.filters.emplace_back(name, value); }, help);
  }
}

void add_queue_commands(CLI::App& app, Choice& choice) {
  CLI::App* queue = app.add_subcommand("queue", "see into the queue and act on it");
  queue->require_subcommand(1);
  CLI::App* list = add_command(*queue, choice, "list", "one line per message and recipient",
                               [&choice] { return relay::cli::queue_list(choice.common, choice.queue); });
  add_json(list, choice);
  add_filters(list, choice);
  list->add_option("--limit", choice.queue.limit, "at most so many lines")->check(CLI::PositiveNumber);
  CLI::App* show = add_command(*queue, choice, "show", "envelope, recipients and their last replies",
                               [&choice] { return relay::cli::queue_show(choice.common, choice.id); });
  add_json(show, choice);
  show->add_option("ID", choice.id, "the queue id")->required();
  CLI::App* cat = add_command(*queue, choice, "cat", "the message as it will be sent",
                              [&choice] { return relay::cli::queue_cat(choice.common, choice.id); });
  cat->add_option("ID", choice.id, "the queue id")->required();
  using Act = int (*)(const Common&, const QueueArguments&);
  const std::tuple<const char*, const char*, Act> acts[] = {
      {"retry", "try messages now (also failed ones)", relay::cli::queue_retry},
      {"drop", "remove messages without a notice", relay::cli::queue_drop},
  };
  for (const auto& [name, help, act] : acts) {
    CLI::App* command =
        add_command(*queue, choice, name, help, [&choice, run = act] { return run(choice.common, choice.queue); });
    add_json(command, choice);
    add_filters(command, choice);
    command->add_flag("--yes", choice.queue.yes, "act on more than one message without asking");
    command->add_option("IDS", choice.queue.ids, "queue ids");
  }
}

void add_commands(CLI::App& app, Choice& choice) {
  CLI::App* playground = app.add_subcommand("playground", "the real relay in a built-in world on loopback, to see it work");
  playground->add_option("--listen", choice.listen, "address and port")->capture_default_str();
  playground->add_flag("--once", choice.once, "end when the sample message has arrived");
  playground->callback(
      [&choice] { choice.action = [&choice] { return relay::cli::playground(choice.common, choice.listen, choice.once); }; });
  CLI::App* serve = add_command(app, choice, "serve", "run the relay in the foreground",
                                [&choice] { return relay::cli::serve(choice.common, choice.check_only); });
  serve->add_flag("--check", choice.check_only, "validate the configuration and leave");
  CLI::App* config = app.add_subcommand("config", "validate or print the configuration");
  config->require_subcommand(1);
  add_command(*config, choice, "check", "validate", [&choice] { return relay::cli::config_check(choice.common); });
  CLI::App* show = add_command(*config, choice, "show", "the effective configuration with the defaults filled in",
                               [&choice] { return relay::cli::config_show(choice.common); });
  add_json(show, choice);
  add_queue_commands(app, choice);
  CLI::App* status =
      add_command(app, choice, "status", "state of the running relay", [&choice] { return relay::cli::status(choice.common); });
  add_json(status, choice);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("mailferry: a mail relay that accepts from trusted hosts, signs with DKIM and delivers");
  Choice choice;
  app.set_version_flag("--version", version_text());
  app.add_option("-c", choice.common.config_path, "the configuration file")->type_name("FILE");
  app.require_subcommand(1);
  add_commands(app, choice);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return relay::cli::wrong_usage;
  }
  return choice.action();
}
