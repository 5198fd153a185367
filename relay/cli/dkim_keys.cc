// dkim keygen, rotate: new keys, and how they take over from old ones.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "base/file.h"
#include "base/text.h"
#include "conf/config.h"
#include "dkim/message_verifier.h"
#include "dkim/tag_list.h"
#include "relay/cli/commands.h"
#include "relay/cli/display.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"
#include "relay/privileges.h"
#include "relay/publish.h"
#include "relay/settings.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Result;

int fail_with(const std::string& words) {
  complain(words);
  return failed;
}

/// The service's user reads the key, whoever made it.
Result<std::string> give_to_service(const std::string& path) {
  if (::geteuid() != 0) return std::string();
  const passwd* user = ::getpwnam(service_user);
  if (user == nullptr) {
    return fmt::format("there is no user {} yet: chown the key to the user that runs the relay", service_user);
  }
  if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return std::unexpected(base::system_error(base::Kind::invalid, "cannot give the key to " + std::string(service_user), errno));
  }
  return std::string();
}

std::string folder_of(const Common& common, const DkimArguments& arguments) {
  if (!arguments.folder.empty()) return arguments.folder;
  const std::size_t slash = common.config_path.rfind('/');
  return (slash == std::string::npos ? std::string() : common.config_path.substr(0, slash + 1)) + "keys";
}

Result<std::string> write_key(const dkim::PrivateKey& key, const std::string& folder, const std::string& name) {
  std::string path = fmt::format("{}/{}", folder, name);
  if (::access(path.c_str(), F_OK) == 0) {
    return base::fail(base::Kind::invalid, path + " exists already; a key is never overwritten: choose another selector");
  }
  if (auto made = base::make_directories(folder); !made) return std::unexpected(made.error());
  if (auto written = base::write_file_durably(path, key.to_pem(), 0600); !written) return std::unexpected(written.error());
  const auto given = give_to_service(path);
  if (!given) return std::unexpected(given.error());
  if (!given->empty()) complain("warning: " + *given);
  return path;
}

std::string wrong_arguments(const DkimArguments& arguments) {
  if (!dkim::is_dns_name(arguments.domain)) return "--domain: " + arguments.domain + " is no domain";
  if (!dkim::is_dns_name(arguments.selector))
    return "--selector: " + arguments.selector + " is no selector (letters, digits, hyphens)";
  if (arguments.bits < 1024 || arguments.bits > 4096) return "--bits: an RSA key has 1024 to 4096 bits, 2048 is usual";
  return {};
}

/// A key on the disk, and what to publish for it.
struct NewKey {
  std::string path;
  PublishedRecord record;
};

Result<NewKey> make_key(const Common& common, const DkimArguments& arguments) {
  NewKey made;
  const std::string domain = base::lower(arguments.domain);
  const std::string selector = base::lower(arguments.selector);
  const auto algorithm = arguments.type == "ed25519" ? dkim::Algorithm::ed25519_sha256 : dkim::Algorithm::rsa_sha256;
  const auto key = dkim::PrivateKey::generate(algorithm, arguments.bits);
  auto path = write_key(key, folder_of(common, arguments), fmt::format("{}.{}.pem", selector, domain));
  if (!path) return std::unexpected(path.error());
  made.path = *std::move(path);
  made.record.name = dkim::key_record_name(selector, domain);
  made.record.zone = domain;
  made.record.type = "TXT";
  made.record.value = key.public_record() + (arguments.test ? "; t=y" : "");
  return made;
}

json::object view_of(const NewKey& made) {
  json::object view;
  view["key"] = made.path;
  view["name"] = made.record.name;
  view["type"] = made.record.type;
  view["value"] = made.record.value;
  return view;
}

void print_record(const PublishedRecord& record) {
  fmt::print("记录名 name   {}   (in the zone {})\n", name_in_zone(record), record.zone);
  fmt::print("记录类型 type TXT\n记录值 value  {}\n\nfor a zone file:\n{}\n", record.value, bind_line(record));
}

/// The key that signs for the domain now and is of that type.
Result<conf::DkimSign> present_key(const conf::Config& config, const DkimArguments& arguments) {
  const auto settings = make_settings(config, SecretUse::check_only);
  if (!settings) return std::unexpected(settings.error());
  const auto algorithm = arguments.type == "ed25519" ? dkim::Algorithm::ed25519_sha256 : dkim::Algorithm::rsa_sha256;
  const auto& blocks = config.dkim.sign;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const conf::DkimSign& block = blocks[i];
    const bool is_replaced = std::ranges::any_of(blocks, [&](const conf::DkimSign& other) {
      return base::equal_ignoring_case(other.domain, block.domain) && base::equal_ignoring_case(other.replaces, block.selector);
    });
    const bool is_meant = base::equal_ignoring_case(block.domain, arguments.domain) && !is_replaced;
    if (is_meant && (*settings)->signing_keys.at(i).rule.key.algorithm() == algorithm) return block;
  }
  return base::fail(base::Kind::invalid,
                    fmt::format("no [[dkim.sign]] block with domain = \"{}\" has a key of type {} that could be "
                                "replaced; make a first key with: mailferry dkim keygen",
                                arguments.domain, arguments.type));
}

int begin_rotation(const Common& common, const DkimArguments& arguments) {
  const auto config = conf::read_config(common.config_path);
  if (!config) return fail_with(config.error().words);
  const auto present = present_key(*config, arguments);
  if (!present) return fail_with(present.error().words);
  const auto made = make_key(common, arguments);
  if (!made) return fail_with(made.error().words);
  std::string block = fmt::format("[[dkim.sign]]\nfrom     = \"{}\"\ndomain   = \"{}\"\nselector = \"{}\"\nkey      = \"{}\"\n",
                                  present->from, present->domain, base::lower(arguments.selector), made->path);
  if (!present->identity.empty()) block += fmt::format("identity = \"{}\"\n", present->identity);
  block += fmt::format("replaces = \"{}\"\n", present->selector);
  if (common.json) {
    json::object view = view_of(*made);
    view["replaces"] = present->selector;
    view["block"] = block;
    fmt::print("{}\n", json::serialize(view));
    return done;
  }
  fmt::print("{}\n\n1. Publish this record, and leave that of {} where it is:\n", made->path, present->selector);
  print_record(made->record);
  fmt::print("\n2. Put this block into {} beside the old one, then: mailferry reload\n\n{}\n", common.config_path, block);
  fmt::print(
      "3. That is all. The key signs as soon as its record is seen; mailferry dkim rotate shows how far it is, and postmaster "
      "is\n"
      "   told when the old record may go.\n");
  return done;
}

std::string stage_text(const json::object& key) {
  std::string stage = text_of(key, "stage");
  const std::string until = text_of(key, "needed_until");
  if (stage == "retiring") return fmt::format("retiring, published until {}", until.substr(0, 16));
  if (stage == "pending") return "pending, signs when its record is seen";
  return stage;
}

int show_rotation(const Common& common) {
  auto client = Source::open_relay(common);
  const auto answer = client ? client->get("/v1/status") : Result<json::value>(std::unexpected(client.error()));
  if (!answer) return fail_with(answer.error().words);
  const json::array& keys = answer->as_object().at("dkim").as_array();
  if (common.json) {
    fmt::print("{}\n", json::serialize(keys));
    return done;
  }
  Table table({{.heading = "DOMAIN", .cut = Cut::end, .least = 12},
               {.heading = "SELECTOR", .least = 8},
               {.heading = "STAGE", .least = 10},
               {.heading = "RECORD"},
               {.heading = "CHECKED", .rank = 1}});
  for (const json::value& value : keys) {
    const json::object& key = value.as_object();
    const std::string record = text_of(key, "record");
    const bool is_bad = record == "missing" || record == "differs";
    table.add({text_of(key, "domain"), text_of(key, "selector"), stage_text(key), Cell(record, is_bad ? Tone::bad : Tone::plain),
               text_of(key, "checked").substr(0, 16)});
  }
  Screen screen;
  screen.print(keys.empty() ? "no key signs\n" : table.take(screen.width(), screen.colours()));
  return done;
}

}  // namespace

int dkim_keygen(const Common& common, const DkimArguments& arguments) {
  if (const std::string wrong = wrong_arguments(arguments); !wrong.empty()) {
    complain(wrong);
    return wrong_usage;
  }
  const auto made = make_key(common, arguments);
  if (!made) return fail_with(made.error().words);
  if (common.json) {
    fmt::print("{}\n", json::serialize(view_of(*made)));
    return done;
  }
  fmt::print("{}\n\nPublish this record, then name the key in a [[dkim.sign]] block:\n", made->path);
  print_record(made->record);
  return done;
}

int dkim_rotate(const Common& common, const DkimArguments& arguments) {
  if (arguments.domain.empty() && arguments.selector.empty()) return show_rotation(common);
  if (const std::string wrong = wrong_arguments(arguments); !wrong.empty()) {
    complain(wrong);
    return wrong_usage;
  }
  return begin_rotation(common, arguments);
}

}  // namespace relay::cli
