"""The Postfix of the lab: the domestic host, whose transport map points at mailferry, and the receiver with OpenDKIM."""
from machines import DNS, wait_until
from zones import HOME, RECEIVER, RELAY

LOG = "/var/log/postfix.log"

MASTER = """smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
smtps unix - - n - - smtp -o smtp_tls_wrappermode=yes
plain unix - - n - - smtp -o smtp_sasl_auth_enable=yes -o smtp_sasl_mechanism_filter=plain
login unix - - n - - smtp -o smtp_sasl_auth_enable=yes -o smtp_sasl_mechanism_filter=login
scram unix - - n - - smtp -o smtp_sasl_auth_enable=yes -o smtp_sasl_mechanism_filter=scram-sha-256 -o smtp_tls_wrappermode=yes
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

COMMON = """compatibility_level = 3.6
maillog_file = /var/log/postfix.log
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtp_tls_session_cache_database =
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
virtual_mailbox_base = /var/mail/lab
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:60105
virtual_gid_maps = static:60105
"""

# smtp_tls_security_level = encrypt: the domestic host insists on mailferry's STARTTLS.
DOMESTIC = COMMON + f"""myhostname = smtp.mydomain.com
mydestination =
inet_interfaces = {HOME}
mynetworks = {HOME}/32
virtual_mailbox_domains = mydomain.com
local_header_rewrite_clients =
smtputf8_enable = no
transport_maps = texthash:/etc/postfix/transport
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
smtp_sasl_password_maps = texthash:/etc/postfix/passwords
smtp_sasl_security_options =
minimal_backoff_time = 10s
queue_run_delay = 10s
"""

# A strict receiver: the relay's address must have a name, the name the address, and EHLO a name that exists.
RECEIVING = COMMON + f"""myhostname = mx.abc.com
mydestination =
inet_interfaces = {RECEIVER}
smtputf8_enable = no
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = abc.com
smtpd_milters = inet:127.0.0.1:8891
milter_default_action = tempfail
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
smtpd_helo_required = yes
smtpd_client_restrictions = reject_unknown_client_hostname
smtpd_helo_restrictions = reject_unknown_helo_hostname
smtpd_recipient_restrictions = check_recipient_access texthash:/etc/postfix/access, reject_unauth_destination
"""

OPENDKIM = f"""Mode v
Socket inet:8891@127.0.0.1
Background no
Syslog no
UserID root
RequireSafeKeys no
AuthservID mx.abc.com
AlwaysAddARHeader yes
Nameservers {DNS}
MaximumSignaturesToVerify 10
"""


def listens(machine, port):
    """Whether a local TCP port is listened on, as the machine sees it."""
    table = machine.run("cat", "/proc/net/tcp").decode()
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table.splitlines()[1:])


def start_postfix(machine, config, files, services=""):
    """`services`: more lines for master.cf."""
    machine.path("/var/mail/lab").mkdir(parents=True)
    machine.run("chown", "inbox:inbox", "/var/mail/lab")
    machine.write("/etc/postfix/master.cf", MASTER + services)
    machine.write("/etc/postfix/main.cf", config)
    for name, text in files.items():
        machine.write(f"/etc/postfix/{name}", text)
    machine.run("chown", "postfix", "/var/lib/postfix")
    for program in ("/usr/sbin/postdrop", "/usr/sbin/postqueue"):  # what the package's own set-up would do
        machine.run("chgrp", "postdrop", program)
        machine.run("chmod", "2755", program)
    machine.run("postfix", "start")
    wait_until(f"Postfix on {machine.name}", lambda: "daemon started" in machine.read(LOG))


def start_domestic(home, ways, password):
    """`ways`: recipients for whom it uses another transport of master.cf, and the port."""
    special = "".join(f"{recipient} {transport}:[{RELAY}]:{port}\n" for recipient, (transport, port) in ways.items())
    passwords = "".join(f"[{RELAY}]:{port} {password}\n" for port in (465, 587))
    start_postfix(home, DOMESTIC, {"transport": f"{special}abc.com smtp:[{RELAY}]:25\n", "passwords": passwords})


def set_access(world, rules):
    """What the receiver says to some recipients: {"later@abc.com": "450 4.2.0 not now"}."""
    world.write("/etc/postfix/access", "".join(f"{who} {answer}\n" for who, answer in rules.items()))


def start_receiver(world, rules, log):
    world.write("/etc/opendkim.conf", OPENDKIM)
    world.spawn(log, "opendkim", "-f", "-x", "/etc/opendkim.conf")
    world.path("/etc/postfix").mkdir(parents=True, exist_ok=True)
    world.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.abc.com",
              "-keyout", "/etc/postfix/key.pem", "-out", "/etc/postfix/cert.pem")
    set_access(world, rules)
    start_postfix(world, RECEIVING, {})
    wait_until("OpenDKIM", lambda: listens(world, 8891))


def domestic_queue_empty(home):
    return home.run("postqueue", "-p").decode().startswith("Mail queue is empty")


def reload_postfix(machine):
    before = machine.read(LOG).count("reload")
    machine.run("postfix", "reload")
    wait_until(f"reload of Postfix on {machine.name}", lambda: machine.read(LOG).count("reload") > before)
