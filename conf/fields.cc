// The field list itself, one function a struct, in the order of the manual.
#include "conf/fields.h"

#include <algorithm>

#include "conf/checks.h"

namespace conf {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t most_connections = 100'000;

Entry path(std::string_view name, std::string& member, std::string_view help, Check<std::string> check = {}) {
  Entry entry = field(name, member, help);
  std::get<Field>(entry.what).read = [&member, check = std::move(check)](const Node& node, Place& place) {
    auto value = read_path(node, place);
    if (!value) return;
    const std::string wrong = check ? check(*value) : std::string();
    if (!wrong.empty()) return place.complain(node, wrong);
    member = std::move(*value);
  };
  return entry;
}

/// Right or wrong, it was meant as a name.
bool is_like_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return std::ranges::any_of(text, is_letter) && text.find_first_of(":/[") == std::string_view::npos;
}

/// One list of addresses, networks, and host names, which have to be looked up.
Entry machines(std::string_view name, std::vector<base::Cidr>& networks, std::vector<std::string>& host_names,
               std::string_view help) {
  Field made;
  made.read = [&networks, &host_names](const Node& node, Place& place) {
    if (node.array() == nullptr) return place.complain_of_type(node, "a list like [\"...\"]");
    std::vector<base::Cidr> addresses;
    std::vector<std::string> names;
    for (const Node& item : *node.array()) {
      std::string text = item.text() == nullptr ? std::string() : *item.text();
      if (is_like_name(text)) {
        const std::string wrong = check_hostname(text);
        if (!wrong.empty()) {
          place.complain(item, wrong);
        } else {
          names.push_back(std::move(text));
        }
      } else if (auto network = Reading<base::Cidr>::read(item, place)) {
        addresses.push_back(*network);
      }
    }
    if (addresses.size() + names.size() != node.array()->size()) return;
    networks = std::move(addresses);
    host_names = std::move(names);
  };
  made.show = [&networks, &host_names] {
    Node::Array shown;
    for (const base::Cidr& network : networks) shown.push_back(show_value(network));
    for (const std::string& host_name : host_names) shown.push_back(text_node(host_name));
    return Node{std::move(shown)};
  };
  return Entry{std::string(name), help, std::move(made)};
}

/// "stderr", "syslog", or a path.
Entry log_target(std::string_view name, std::string& member, std::string_view help) {
  Entry entry = path(name, member, help, check_path);
  auto& read = std::get<Field>(entry.what).read;
  read = [&member, as_path = read](const Node& node, Place& place) {
    if (node.text() == nullptr || (*node.text() != "stderr" && *node.text() != "syslog")) return as_path(node, place);
    member = *node.text();
  };
  return entry;
}

Entry later(std::string_view name, Node off, std::string_view help) {
  return Entry{std::string(name), help, LaterField{std::move(off)}};
}
Entry later(std::string_view name, const char* off, std::string_view help) { return later(name, text_node(off), help); }

Node list_node(const char* item) { return Node{Node::Array{text_node(item)}}; }
Entry table(std::string_view name, std::string_view help, Entries entries) {
  return Entry{std::string(name), help, Table{std::move(entries)}};
}

Entries entries_of(Log& log) {
  return {
      field("level", log.level, "How much is told: only events of this weight and above."),
      field("format", log.format, "Lines of key=value, or one JSON object a line."),
      log_target("to", log.to, "\"stderr\" (systemd's journal), \"syslog\", or the path of a file."),
  };
}

Entries entries_of(Listen& listen) {
  return {
      field("address", listen.address, "Address and port to listen on: \"0.0.0.0:25\", \"[::]:25\"."),
      field("tls", listen.tls, "Plain text only, an upgrade by STARTTLS, or TLS from the first octet (port 465)."),
      field("require_tls", listen.require_tls, "Refuse MAIL before STARTTLS (530)."),
      list("proxy", listen.proxy,
           "Balancers: their connections begin with a PROXY header (version 1 or 2) that names the client."),
  };
}

Entries entries_of(Tls& tls) {
  return {
      field("minimum", tls.minimum, "Oldest TLS version that clients may speak; \"1.0\" is for an old Exchange at home."),
      path("certificate", tls.certificate,
           "PEM file with the server's certificate and its chain. Without certificate and key a self-signed one is made in the "
           "spool "
           "at the first start."),
      path("key", tls.key, "PEM file with the private key of the certificate."),
      path("client_ca", tls.client_ca,
           "PEM file of authorities: clients are asked for certificates of theirs, and those in accept.client_certificates must "
           "come from them."),
  };
}

/// Who may send.
Entries trust_entries_of(Accept& accept) {
  return {
      machines(
          "mynetworks", accept.mynetworks, accept.host_names,
          "Who may send to the world through this relay: addresses, networks in CIDR form, and host names, whose addresses are "
          "looked up again and again. What your own mail server has."),
      field("ddns_refresh", accept.ddns_refresh,
            "Longest time between look-ups of the host names in mynetworks; a shorter TTL wins.",
            between(seconds(10), hours(24))),
      field("ddns_keep", accept.ddns_keep,
            "How long the last good answer stays valid while look-ups fail; afterwards clients get 450.",
            between(minutes(1), hours(24 * 7))),
      path("users", accept.users, "File of \"name:hash\" lines, mode 0600: passwords for AUTH under TLS."),
      list("client_certificates", accept.client_certificates, "\"sha256:<hex>\" of the public keys of clients that may send.",
           check_key_pin),
      list("xclient", accept.xclient, "Addresses that may say by XCLIENT which client they speak for."),
      list(
          "sender_domains", accept.sender_domains,
          "Domains that MAIL FROM (or <>) and always From: of trusted clients must be in: \"example.com\", and \"*.example.com\" "
          "for those below it; empty: any.",
          check_sender_domain),
      field("sender_rate", accept.sender_rate,
            "Recipients for each reverse-path of a trusted client; mail that exceeds it is held, and postmaster told. \"\": "
            "unlimited."),
      list("relay_domains", accept.relay_domains,
           "Domains whose mail is taken from anyone (backup MX); each needs a route, whose host is asked for every recipient.",
           check_domain),
  };
}

Entries limit_entries_of(Accept& accept) {
  return {
      field("message_size", accept.message_size, "Largest message; told to clients as SIZE.",
            between(Bytes{64U << 10U}, Bytes{1U << 30U})),
      field("recipients", accept.recipients, "Most recipients of one message.", between(100, 50'000)),
      field("connections", accept.connections, "Most connections of clients in all.", between(1, most_connections)),
      field("connections_per_client", accept.connections_per_client, "Most connections of one client address.",
            between(1, most_connections)),
      field("commands_timeout", accept.commands_timeout,
            "How long a client may be silent (RFC 5321 4.5.3.2.7 asks for five minutes).", between(seconds(10), hours(24))),
      field("min_free_space", accept.min_free_space,
            "With less room on the disk of the spool than this, mail is put off (452 4.3.1)."),
      field(
          "bare_newline", accept.bare_newline,
          "CR or LF alone in a message: make it CR LF, or refuse the message. Only CR LF . CR LF ends a message in either case."),
      field("long_lines", accept.long_lines,
            "Lines over 998 octets, which would be cut on the way: re-encode the parts that have them (mail of trusted clients, "
            "before signing), refuse the message, or pass it as it is."),
      field("malformed", accept.malformed,
            "Mail that large receivers refuse anyway: no From: or several, no address in it, another field twice that may stand "
            "once, a NUL octet."),
      field("received", accept.received,
            "What the trace tells of a trusted client: all, our Received line without its name and address, or without the "
            "earlier Received lines either."),
      field("duplicates", accept.duplicates,
            "How long the same mail again is recognised after a lost reply (RFC 1047); \"0s\": not at all.",
            between(base::Duration(0), hours(24 * 7))),
  };
}

Entries entries_of(Accept& accept) {
  Entries all = trust_entries_of(accept);
  Entries limits = limit_entries_of(accept);
  all.insert(all.end(), limits.begin(), limits.end());
  return all;
}

Entries entries_of(DkimSign& sign) {
  return {
      field("from", sign.from,
            "Which mail this key signs: pattern on the From: address (\"*@example.com\", \"news@example.com\") or on its domain "
            "(\"*.example.com\"); \"*\" is all.",
            check_from_pattern)
          .required(text_node("*@example.com")),
      field("domain", sign.domain, "The signing domain (d=); \"%\" is the domain of the From: address.", check_signing_domain)
          .required(text_node("example.com")),
      field("selector", sign.selector, "The selector (s=): the key's record is at <selector>._domainkey.<domain>.",
            check_selector)
          .required(text_node("s1")),
      path("key", sign.key, "PEM file with the private key, RSA or Ed25519.", check_path)
          .required(text_node("keys/s1.example.com.pem")),
      field("identity", sign.identity,
            "Whom the signature stands for (i=), like \"@news.example.com\": the signing domain or one below it; empty: not "
            "written.",
            check_identity),
      field("replaces", sign.replaces,
            "Selector of the domain's present key: this one signs in its place from when its record is seen in DNS; empty: at "
            "once.",
            check_replaced),
  };
}

Entries entries_of(Dkim& dkim) {
  return {
      field("mode", dkim.mode,
            "Whether mail of trusted clients is signed, and signatures of other mail verified, with the results in an "
            "Authentication-Results field."),
      field("canonicalization", dkim.canonicalization,
            "How header and body are normalized before signing: \"relaxed\" or \"simple\" for each.", check_canonicalization),
      list("sign_headers", dkim.sign_headers, "Header fields to sign; empty: the recommended set. From is always signed.",
           check_field_name),
      list("oversign", dkim.oversign,
           "Header fields that nobody may add later; also \"recommended\", or \"none\" alone for no field.", check_field_name,
           check_oversign),
      field(
          "on_sign_failure", dkim.on_sign_failure,
          "When a signature cannot be made: let the mail pass unsigned, ask the client to come again (451), or refuse it (550)."),
      field("unsigned", dkim.unsigned_mail, "What becomes of mail of a trusted client whose From: matches no [[dkim.sign]]."),
      field("min_key_bits", dkim.min_key_bits, "Shortest RSA key that is taken.", between(1024, 4096)),
      field("lifetime", dkim.lifetime,
            "How long a signature counts (x=), like \"14d\"; \"\": for ever. Longer than mail may wait, or late mail arrives "
            "expired.",
            if_set(between(hours(1), hours(24 * 365)))),
      blocks(
          "sign", dkim.sign,
          "A signing key. Of several that match with one selector the first signs; with several selectors a message gets several "
          "signatures.",
          entries_of),
  };
}

Entries entries_of(Delivery& delivery) {
  return {
      field("port", delivery.port, "The port of MX hosts.", check_port),
      field("bind_ipv4", delivery.bind_ipv4, "Address to send from, the one with the PTR record; empty: the system chooses.",
            check_ipv4),
      field("bind_ipv6", delivery.bind_ipv6, "The same for IPv6.", check_ipv6),
      field("ip_versions", delivery.ip_versions, "Which kind of addresses of a receiver is tried first, or alone."),
      field("connections", delivery.connections, "Most connections to receivers in all.", between(1, most_connections)),
      field(
          "tls", delivery.tls,
          "TLS towards receivers: never, when the receiver offers it (certificates are not judged), not without, or not without "
          "a good certificate for the host's name."),
      later("dane", Node{false}, "Follow the TLSA records of receivers (RFC 7672)."),
      later("mta_sts", Node{false}, "Follow the MTA-STS policies of receivers (RFC 8461)."),
      field("warmup", delivery.warmup,
            "The day this address began to send, like \"2026-12-01\": how much goes out a day grows from there; \"\": no limit.",
            check_date),
  };
}

Check<Duration> retry_delay() { return between(seconds(1), hours(24 * 7)); }
Check<Duration> give_up_time() { return between(minutes(1), hours(24 * 60)); }
Check<Duration> warning_time() { return between(seconds(0), hours(24 * 60)); }

Entry retry_override(RetryOverride& retry) {
  return table("retry", "What differs from [retry] here.",
               {
                   list("delays", retry.delays, "As retry.delays; empty: those.", retry_delay()),
                   field("give_up", retry.give_up, "As retry.give_up; \"\": that one.", if_set(give_up_time())),
                   field("warn", retry.warn, "As retry.warn; \"\": that one.", if_set(warning_time())),
               });
}

Entries entries_of(Shape& shape) {
  return {
      field("mx", shape.mx, "Pattern on the MX host: the domains that are hosted there share the block.", check_shape_pattern)
          .shown_as(text_node("*.google.com")),
      field("domain", shape.domain, "Instead of mx: pattern on the recipient's domain.", check_shape_pattern),
      field("connections", shape.connections, "Most connections to that receiver; 0: as its profile says.",
            between(0, most_connections))
          .shown_as(number_node(10)),
      field("messages_per_connection", shape.messages_per_connection,
            "Most messages over one connection; 0: as its profile says.", between(0, 100'000))
          .shown_as(number_node(50)),
      field("rate", shape.rate, "Most messages in a time; \"\": as its profile says.").shown_as(text_node("100/m")),
      field("tls", shape.tls, "As delivery.tls; \"\": as its profile says.").shown_as(text_node("required")),
      retry_override(shape.retry),
  };
}

Entries entries_of(Route& route) {
  return {
      field("domain", route.domain,
            "Recipients' domains that go this way: \"example.com\", \"*.example.com\"; \"*\" is all (a smart host).",
            check_domain_pattern)
          .required(text_node("example.com")),
      list("hosts", route.hosts,
           "Hosts to try in this order: \"host:port\", \"[192.0.2.1]:25\", or \"mx\" for the MX look-up; port 25 when none is "
           "given.",
           check_route_host, check_hosts)
          .required(list_node("smtp.example.com:25")),
      field("tls", route.tls, "As delivery.tls, for these hosts."),
      field("username", route.username,
            "Name for SMTP AUTH, under TLS, towards the hosts that are named here (not those of \"mx\"); \"\": none.",
            check_username),
      path("password_file", route.password_file, "File with the password for SMTP AUTH, mode 0600."),
      list("fallback", route.fallback,
           "Hosts, as above, for what the others refuse because of who we are, or do not let through; empty: none.",
           check_fallback_host),
      field("remember", route.remember, "How long a domain that needed the fallback goes there at once.",
            between(minutes(1), hours(24 * 365))),
      retry_override(route.retry),
  };
}

Entries entries_of(Retry& retry) {
  return {
      list("delays", retry.delays,
           "Time to the next attempt after each that failed; the last one repeats. Up to a tenth is added or taken.",
           retry_delay(), check_delays),
      field("give_up", retry.give_up, "How long a message is tried at all (RFC 5321 4.5.4.1 advises four to five days).",
            give_up_time()),
      field("warn", retry.warn, "When the sender is told of the delay, once; \"0s\": never.", warning_time()),
  };
}

Entries top_entries_of(Config& config) {
  return {
      field("hostname", config.hostname, "The name in EHLO and in the greeting; should be the PTR name of the sending address.",
            check_hostname)
          .required(text_node("mail.example.com")),
      field("postmaster", config.postmaster, "Receives the mail to postmaster, double bounces and alerts.", check_postmaster)
          .required(text_node("admin@example.com")),
      path("spool", config.spool, "Folder of the queue: its database and large messages.", check_path),
      field("spool_unsafe", config.spool_unsafe,
            "Take a spool in memory (tmpfs) or on a network file system, though a power cut may then lose accepted mail."),
      field("threads", config.threads, "Threads that sign; 0: one for each core.", between(0, 1024)),
  };
}

/// Without a help of their own: each has one or two keys.
Entries small_tables_of(Config& config) {
  return {
      table("local", "Mail to this machine. Our own notices are From: MAILER-DAEMON at the postmaster's domain.",
            {
                field("aliases", config.local.aliases,
                      "Local parts at hostname, localhost and destinations, and where their mail goes: \"postmaster\" or a "
                      "mailbox. It leaves with the null reverse-path. Postmaster always exists.",
                      check_aliases),
                list("destinations", config.local.destinations, "Domains besides hostname whose mail is for this machine.",
                     check_domain),
            }),
      table("dns", "How names are looked up.",
            {
                list("servers", config.dns.servers, "Resolvers to ask, like \"127.0.0.1:53\"; empty: the system's."),
                field("timeout", config.dns.timeout, "How long an answer may take.", between(seconds(1), seconds(60))),
                field("cache", config.dns.cache, "Answers that are kept in memory.", between(0, 10'000'000)),
            }),
      table("history", "What became of mail.",
            {later("keep", "0s", "How long it stays answerable what happened to each recipient; \"0s\": not at all.")}),
      table("admin", "Sockets for the command line and the web console.",
            {
                path("socket", config.admin.socket, "Unix socket that the command line talks to; mode 0660.", check_socket_path),
                path("submit", config.admin.submit,
                     "Unix socket where programs of this machine hand in mail (mailferry send, sendmail); mode 0666, \"\": none.",
                     check_submit_path),
                later("http", "", "Address of the web console, like \"127.0.0.1:8025\"."),
                later("token_file", "", "File with the token that the web console asks for."),
            }),
      table("alert", "What is told besides the mail to postmaster.",
            {field("command", config.alert.command,
                   "Program, with arguments, that is given each alert on its input: mail itself may be what is stuck.",
                   check_command)}),
  };
}

}  // namespace

Entry Entry::shown_as(Node example) && {
  std::get<Field>(what).example = std::move(example);
  return std::move(*this);
}

Entry Entry::required(Node example) && {
  std::get<Field>(what).need = Need::required;
  return std::move(*this).shown_as(std::move(example));
}

Entries entries_of(Config& config) {
  Entries all = top_entries_of(config);
  all.push_back(table("log", "Events, one a line.", entries_of(config.log)));
  all.push_back(blocks("listen", config.listen, "An address that takes mail. Without any block: \"0.0.0.0:25\" with STARTTLS.",
                       entries_of));
  all.push_back(table("tls", "TLS towards clients.", entries_of(config.tls)));
  all.push_back(table("accept", "What is taken, from whom, and how much of it.", entries_of(config.accept)));
  all.push_back(table("dkim", "DKIM signatures.", entries_of(config.dkim)));
  all.push_back(table("delivery", "Sending to receivers.", entries_of(config.delivery)));
  all.push_back(blocks("shape", config.shape, "Limits for a receiver; the first match wins.", entries_of));
  all.push_back(blocks("route", config.route, "Hosts for a domain, instead of its MX; the first match wins.", entries_of));
  all.push_back(blocks("reply", config.reply,
                       "What a receiver's refusal means; the first match wins, before the built-in table of receivers.",
                       entries_of));
  all.push_back(table("retry", "When delivery is tried again.", entries_of(config.retry)));
  Entries small = small_tables_of(config);
  all.insert(all.end(), small.begin(), small.end());
  return all;
}

}  // namespace conf
