// The program: one table of sub-commands. CLI11 parses, relay/cli acts.
#include <ares.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/version.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

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
  relay::cli::DkimArguments dkim;
  relay::cli::RecordsArguments records;
  relay::cli::ExplainArguments explain;
  std::string id;
  std::string host;  ///< to forget; empty: none
  std::string listen = "127.0.0.1:2525";
  bool check_only = false;
  bool once = false;
  std::string file;  ///< of send
  std::string from;
  std::vector<std::string> recipients;
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

CLI::Option* add_json(CLI::App* command, Choice& choice) { return command->add_flag("--json", choice.common.json, "print JSON"); }

void add_filters(CLI::App* command, Choice& choice) {
  constexpr std::pair<const char*, const char*> filters[] = {
      {"id", "a queue id; may be given again"},
      {"message-id", "a pattern on Message-ID, with * and ?"},
      {"from", "a pattern on the sender; <> is the null one"},
      {"to", "a pattern on the recipient"},
      {"domain", "a pattern on the recipient's domain"},
      {"mx", "a pattern on the host asked last"},
      {"state", "queued, deferred, active or held"},
      {"older", "received longer ago than 1h, 2d ..."},
      {"newer", "received not longer ago than 1h, 2d ..."},
      {"reply", "a part of the last reply"},
  };
  for (const auto& [filter, help] : filters) {
    const std::string name = filter;
    const auto keep = [&choice, name](const std::string& value) {
      choice.queue.filters.emplace_back(name, value);
      return true;
    };
    const auto keep_all = [keep](const std::vector<std::string>& values) { std::ranges::for_each(values, keep); };
    command->add_option_function<std::vector<std::string>>("--" + name, keep_all, help)
        ->group("Filters")
        ->expected(1)
        ->take_all();
  }
}

void add_reading_commands(CLI::App& queue, Choice& choice) {
  CLI::App* list = add_command(queue, choice, "list", "one line per message and recipient",
                               [&choice] { return relay::cli::queue_list(choice.common, choice.queue); });
  CLI::App* summary = add_command(queue, choice, "summary", "what waits, by destination, host or sender",
                                  [&choice] { return relay::cli::queue_summary(choice.common, choice.queue); });
  add_filters(list, choice);
  summary->add_option("--by", choice.queue.by, "domain, mx or sender")
      ->check(CLI::IsMember({"domain", "mx", "sender"}))
      ->type_name("WHAT")
      ->capture_default_str();
  for (CLI::App* command : {list, summary}) {
    command->add_option("--limit", choice.queue.limit, "at most so many lines")->check(CLI::PositiveNumber)->type_name("N");
    CLI::Option* watch = command->add_flag("--watch", choice.queue.watch, "draw it again every two seconds");
    add_json(command, choice)->excludes(watch);
  }
  CLI::App* show = add_command(queue, choice, "show", "envelope, recipients and their last replies",
                               [&choice] { return relay::cli::queue_show(choice.common, choice.id); });
  add_json(show, choice);
  show->add_option("ID", choice.id, "the queue id")->required();
  CLI::App* cat = add_command(queue, choice, "cat", "the message as it will be sent",
                              [&choice] { return relay::cli::queue_cat(choice.common, choice.id); });
  cat->add_option("ID", choice.id, "the queue id")->required();
}

void add_acting_commands(CLI::App& queue, Choice& choice) {
  constexpr std::tuple<const char*, const char*, queue::Deed> deeds[] = {
      {"retry", "try again now", queue::Deed::retry},
      {"hold", "keep, without trying, until release", queue::Deed::hold},
      {"release", "what is held is due now", queue::Deed::release},
      {"bounce", "give up: the sender gets the notice", queue::Deed::bounce},
      {"drop", "remove without a notice", queue::Deed::drop},
  };
  for (const auto& [name, help, deed] : deeds) {
    CLI::App* command = add_command(queue, choice, name, help,
                                    [&choice, what = deed] { return relay::cli::queue_act(choice.common, choice.queue, what); });
    add_json(command, choice);
    add_filters(command, choice);
    command->add_flag("--yes", choice.queue.yes, "act on more than one message without asking");
    command->add_flag("--wait", choice.queue.wait, "come back when it has been done to all of them");
    command->add_option("IDS", choice.queue.ids, "queue ids");
  }
}

void add_pausing_commands(CLI::App& queue, Choice& choice) {
  CLI::App* pause = add_command(queue, choice, "pause", "stop deliveries to a destination",
                                [&choice] { return relay::cli::queue_pause(choice.common, choice.queue); });
  CLI::App* resume = add_command(queue, choice, "resume", "let them go on",
                                 [&choice] { return relay::cli::queue_resume(choice.common, choice.queue); });
  for (CLI::App* command : {pause, resume}) {
    command->add_option("DESTINATION", choice.queue.pattern, "a domain, or a pattern on it or its hosts")->required();
    add_json(command, choice);
  }
  CLI::App* pauses = add_command(queue, choice, "pauses", "what is paused, and what waits for it",
                                 [&choice] { return relay::cli::queue_pauses(choice.common); });
  add_json(pauses, choice);
}

void add_queue_commands(CLI::App& app, Choice& choice) {
  CLI::App* queue = app.add_subcommand("queue", "see into the queue and act on it");
  queue->require_subcommand(1);
  add_reading_commands(*queue, choice);
  add_acting_commands(*queue, choice);
  add_pausing_commands(*queue, choice);
}

void add_send_command(CLI::App& app, Choice& choice) {
  CLI::App* send = add_command(app, choice, "send", "hand in a message through the submit socket", [&choice] {
    return relay::cli::send(choice.common, choice.file, choice.from, choice.recipients);
  });
  send->add_option("FILE", choice.file, "the message with its header; - is standard input")->required();
  send->add_option("-f", choice.from, "the reverse-path; <> is the null one")->required()->type_name("FROM");
  send->add_option("TO", choice.recipients, "recipients")->required();
}

void add_dns(CLI::App* command, Choice& choice) {
  command->add_option("--dns", choice.common.dns, "the resolver to ask")->type_name("HOST:PORT");
}

void add_dkim_commands(CLI::App& app, Choice& choice) {
  CLI::App* dkim = app.add_subcommand("dkim", "keys and signatures");
  dkim->require_subcommand(1);
  CLI::App* keygen = add_command(*dkim, choice, "keygen", "make a key, print its record",
                                 [&choice] { return relay::cli::dkim_keygen(choice.common, choice.dkim); });
  CLI::App* rotate =
      add_command(*dkim, choice, "rotate", "make a key that takes over from another; without options: how far keys are",
                  [&choice] { return relay::cli::dkim_rotate(choice.common, choice.dkim); });
  for (CLI::App* command : {keygen, rotate}) {
    CLI::Option* domain = command->add_option("--domain", choice.dkim.domain, "the signing domain (d=)");
    CLI::Option* selector = command->add_option("--selector", choice.dkim.selector, "the new key's selector (s=)");
    domain->needs(selector)->required(command == keygen);
    selector->needs(domain)->required(command == keygen);
    command->add_option("--type", choice.dkim.type, "rsa or ed25519")
        ->check(CLI::IsMember({"rsa", "ed25519"}))
        ->capture_default_str();
    command->add_option("--bits", choice.dkim.bits, "of an RSA key")->capture_default_str();
    command->add_option("--out", choice.dkim.folder, "where the key goes; else keys/ beside the configuration")->type_name("DIR");
    add_json(command, choice);
  }
  keygen->add_flag("--test", choice.dkim.test, "the record says t=y: receivers shall not act on failures yet");
  CLI::App* sign = add_command(*dkim, choice, "sign", "sign a message file as the relay would",
                               [&choice] { return relay::cli::dkim_sign(choice.common, choice.dkim); });
  CLI::App* verify = add_command(*dkim, choice, "verify", "judge the signatures of a message file",
                                 [&choice] { return relay::cli::dkim_verify(choice.common, choice.dkim); });
  for (CLI::App* command : {sign, verify}) {
    command->add_option("FILE", choice.dkim.file, "a message; - is standard input")->capture_default_str();
  }
  verify->add_option("--now", choice.dkim.now, "judge expiry at that time")->type_name("UNIXTIME")->check(CLI::PositiveNumber);
  add_dns(verify, choice);
  add_json(verify, choice);
  CLI::App* records = add_command(app, choice, "records", "the DNS records to publish, ready to paste",
                                  [&choice] { return relay::cli::records(choice.common, choice.records); });
  records->add_option("DOMAIN", choice.records.domains, "only of these");
  records->add_option("--format", choice.records.format, "text, table, bind or json")
      ->check(CLI::IsMember({"text", "table", "bind", "json"}))
      ->capture_default_str();
  add_json(records, choice);
}

void add_explain_command(CLI::App& app, Choice& choice) {
  CLI::App* explain = add_command(app, choice, "explain", "what a receiver's reply means and what to do",
                                  [&choice] { return relay::cli::explain(choice.common, choice.explain); });
  explain->add_option("REPLY", choice.explain.words, "the reply, as in a log or notice")->required();
  explain->add_option("--mx", choice.explain.mx, "the host that said it")->type_name("HOST");
  explain->add_option("--provider", choice.explain.provider, "the receiver, like gmail")->type_name("NAME");
  add_json(explain, choice);
}

void add_hosts_command(CLI::App& app, Choice& choice) {
  // CLI11 calls the inner command back first, then the outer: both choose the same.
  const Action action = [&choice] {
    return choice.host.empty() ? relay::cli::hosts(choice.common) : relay::cli::hosts_forget(choice.common, choice.host);
  };
  CLI::App* hosts = add_command(app, choice, "hosts", "what is remembered of receivers' hosts for a while", action);
  CLI::App* forget = add_command(*hosts, choice, "forget", "try as if nothing had been", action);
  forget->add_option("HOST", choice.host, "its name or address, or all")->required();
  for (CLI::App* command : {hosts, forget}) add_json(command, choice);
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
  add_send_command(app, choice);
  add_dkim_commands(app, choice);
  add_explain_command(app, choice);
  add_hosts_command(app, choice);
  CLI::App* status =
      add_command(app, choice, "status", "state of the running relay", [&choice] { return relay::cli::status(choice.common); });
  add_json(status, choice);
}

/// As sendmail, mailq and newaliases the program does what programs of these names do.
std::optional<int> run_as_called(std::string_view called, const std::vector<std::string>& arguments) {
  if (called.ends_with("sendmail")) return relay::cli::sendmail(arguments);
  if (called.ends_with("mailq")) return relay::cli::sendmail({"-bp"});
  if (called.ends_with("newaliases")) return relay::cli::done;
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (!words.empty()) {
    if (const auto code = run_as_called(words.front(), {words.begin() + 1, words.end()})) return *code;
  }
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
