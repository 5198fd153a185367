// The commands of the command line, each a function that returns the exit code: 0 done, 1 the answer is no, 2 wrong usage.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "queue/store.h"

namespace relay::cli {

inline constexpr int done = 0;
inline constexpr int failed = 1;
inline constexpr int wrong_usage = 2;

/// What stands on every command line.
struct Common {
  std::string config_path = "/etc/mailferry/mailferry.toml";
  bool json = false;
  std::string dns;  ///< --dns: "host:port" of the resolver to ask; empty: the configured ones
};

/// FILTERS, ids and options of the queue commands.
struct QueueArguments {
  std::vector<std::pair<std::string, std::string>> filters;  ///< name and value
  std::vector<std::string> ids;
  std::uint64_t limit = 0;    ///< 0: all
  std::string by = "domain";  ///< of a summary
  std::string pattern;        ///< of a pause
  bool yes = false;           ///< act on more than one message without asking
  bool wait = false;          ///< until the action has ended
  bool watch = false;         ///< again and again
};

/// Options of the dkim commands.
struct DkimArguments {
  std::string file = "-";  ///< "-": standard input
  std::int64_t now = 0;    ///< seconds since 1970; 0: the clock
  std::string domain;
  std::string selector;
  std::string type = "rsa";
  int bits = 2048;
  bool test = false;   ///< t=y in the record
  std::string folder;  ///< of the new key; empty: keys/ beside the configuration file
};

struct RecordsArguments {
  std::vector<std::string> domains;  ///< empty: all that sign
  std::string format = "text";       ///< text, table, bind or json
};

/// What explain is asked.
struct ExplainArguments {
  std::vector<std::string> words;  ///< of a reply
  std::string mx;                  ///< the host that said it; empty: unknown
  std::string provider;            ///< name of a profile; empty: unknown
};

int serve(const Common& common, bool check_only);
int config_check(const Common& common);
int config_show(const Common& common);
int queue_list(const Common& common, const QueueArguments& arguments);
int queue_summary(const Common& common, const QueueArguments& arguments);
int queue_show(const Common& common, const std::string& id);
int queue_cat(const Common& common, const std::string& id);
int queue_act(const Common& common, const QueueArguments& arguments, queue::Deed deed);
int queue_pause(const Common& common, const QueueArguments& arguments);
int queue_resume(const Common& common, const QueueArguments& arguments);
int queue_pauses(const Common& common);
int status(const Common& common);
/// What is remembered of hosts.
int hosts(const Common& common);
/// Of one by its name or address, or of "all".
int hosts_forget(const Common& common, const std::string& host);
/// Failed when nothing is known of the reply beyond its class.
int explain(const Common& common, const ExplainArguments& arguments);
int explain_message(const Common& common, queue::QueueId id);
/// SMTP's answers as exit codes of sysexits(3): 64 wrong usage, 65 the message or an address, 66 no such file, 67 a recipient is
/// refused, 69 the message is refused, 75 the relay does not run or asks to come again: try later.
int send(const Common& common, const std::string& file, const std::string& from, const std::vector<std::string>& recipients);
/// Called as sendmail; `arguments` without the program's name.
int sendmail(const std::vector<std::string>& arguments);
int dkim_keygen(const Common& common, const DkimArguments& arguments);
int dkim_rotate(const Common& common, const DkimArguments& arguments);
int dkim_sign(const Common& common, const DkimArguments& arguments);
int dkim_verify(const Common& common, const DkimArguments& arguments);
int records(const Common& common, const RecordsArguments& arguments);
int playground(const Common& common, const std::string& address, bool once);

/// "mailferry: <words>" on standard error, safe for a terminal.
void complain(const std::string& words);
/// The exit code of a command that is over; what went wrong is told.
int code_of(const base::Result<void>& result);

}  // namespace relay::cli
