"""Real receivers: Postfix, Exim and OpenSMTPD, each on a machine of its own and with a domain of its own.

Each takes mail for NAME.example at port 25, under a certificate that verifies; at 2525 under one that nobody vouches for; at 465
(implicit TLS) and 587 from those who give a name and password. Each refuses nobody@ and puts later@ off until `let_in`."""
import postfix
from clients import NAME, PASSWORD
from machines import Machine, run, wait_until
from zones import RECEIVERS

REFUSED = "550 5.1.1 no such user"
PORTS = (25, 465, 587, 2525)
PUT_OFF = "451 4.7.1 greylisted, please try again in 7 seconds"

POSTFIX = postfix.COMMON + """myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {domain}, unverified.{domain}, implicit.{domain}, starttls.{domain}
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/lab/signed.pem
smtpd_tls_key_file = /etc/lab/signed.key
smtpd_sasl_local_domain = {domain}
smtpd_recipient_restrictions = check_recipient_access texthash:/etc/postfix/access, reject_unauth_destination
"""
FOR_USERS = "-o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"
POSTFIX_SERVICES = f"""2525 inet n - n - - smtpd -o smtpd_tls_cert_file=/etc/lab/unsigned.pem -o smtpd_tls_key_file=/etc/lab/unsigned.key
587 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {FOR_USERS}
465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {FOR_USERS}
"""

EXIM = """primary_hostname = mx.{domain}
log_file_path = /var/log/exim-%slog
log_selector = +smtp_connection +dkim_verbose
spool_directory = /var/spool/exim4
keep_environment =
daemon_smtp_ports = 25 : 465 : 587 : 2525
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = /etc/lab/${{if ={{$received_port}}{{2525}}{{unsigned}}{{signed}}}}.pem
tls_privatekey = /etc/lab/${{if ={{$received_port}}{{2525}}{{unsigned}}{{signed}}}}.key
dsn_advertise_hosts = *
message_size_limit = 60M
smtp_accept_queue_per_connection = 0
domainlist ours = {domain} : *.{domain}
acl_smtp_rcpt = recipient
begin acl
recipient:
  deny
    local_parts = nobody
    message = {refused}
  defer
    local_parts = later
    condition = ${{if exists{{/etc/lab/let-in}}{{no}}{{yes}}}}
    message = {put_off}
  deny
    condition = ${{if match{{$received_port}}{{^(465|587)\\$}}}}
    !authenticated = *
    message = 530 5.7.0 who are you?
  accept
    domains = +ours
  deny
    message = 550 5.7.1 not for us
begin routers
here:
  driver = accept
  domains = +ours
  transport = inbox
out:
  driver = dnslookup
  transport = out
begin transports
inbox:
  driver = appendfile
  maildir_format
  directory = /var/mail/lab/inbox
  create_directory
  envelope_to_add
  user = inbox
out:
  driver = smtp
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${{if ={{$received_port}}{{465}}}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_advertise_condition = ${{if and{{{{={{$received_port}}{{587}}}}{{def:tls_in_cipher}}}}}}
  server_condition = ${{if and{{{{eq{{$auth1}}{{{name}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
"""

OPENSMTPD = """pki signed cert "/etc/lab/signed.pem"
pki signed key "/etc/lab/signed.key"
pki unsigned cert "/etc/lab/unsigned.pem"
pki unsigned key "/etc/lab/unsigned.key"
table everyone {{ "@" = inbox }}
table users file:/etc/lab/users
table refused {{ "nobody@{domain}" }}
table later file:/etc/lab/later
filter refuse phase rcpt-to match rcpt-to <refused> reject "{refused}"
filter put_off phase rcpt-to match rcpt-to <later> reject "{put_off}"
filter door chain {{ refuse, put_off }}
smtp max-message-size "60M"
listen on 0.0.0.0 port 25 tls pki signed filter door
listen on 0.0.0.0 port 2525 tls pki unsigned filter door
listen on 0.0.0.0 port 465 smtps pki signed auth <users>
listen on 0.0.0.0 port 587 tls-require pki signed auth <users>
action keep maildir "/var/mail/lab/inbox" virtual <everyone>
action send relay
match from any for domain {{ "{domain}", "*.{domain}" }} action keep
match from local for any action send
"""


class Receiver:
    """A program on its machine; what the programs differ in is below."""
    smtputf8 = True
    alters = ()  # messages, by kind, that it delivers otherwise than it got them

    def __init__(self, network, roots, authority):
        self.name = type(self).__name__.lower()
        self.domain = f"{self.name}.example"
        self.machine = Machine(network, roots, self.name, [RECEIVERS[self.name]])
        self.machine.run("mkdir", "-p", "/etc/lab")
        folder, host = self.machine.path("/etc/lab"), f"mx.{self.domain}"
        authority.issue(host, folder / "signed.pem", folder / "signed.key")
        authority.leave_unsigned(host, folder / "unsigned.pem", folder / "unsigned.key")

    def fill_in(self, text):
        return text.format(domain=self.domain, refused=REFUSED, put_off=PUT_OFF, name=NAME, password=PASSWORD)


class Postfix(Receiver):
    log, connection = postfix.LOG, "]: connect from mail.mydomain.com"
    logins = ("sasl_method=SCRAM-SHA-256",)

    def start(self):
        postfix.set_access(self.machine, {f"nobody@{self.domain}": REFUSED, f"later@{self.domain}": PUT_OFF})
        self.machine.write("/etc/postfix/sasl/smtpd.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: SCRAM-SHA-256 PLAIN\n")
        self.machine.run("sh", "-c", f"echo '{PASSWORD}' | saslpasswd2 -p -c -u {self.domain} {NAME} && chown postfix /etc/sasldb2")
        postfix.start_postfix(self.machine, self.fill_in(POSTFIX), {}, POSTFIX_SERVICES)

    def let_in(self):
        postfix.set_access(self.machine, {})
        postfix.reload_postfix(self.machine)


class Exim(Receiver):
    alters = ("header_only",)  # writes the empty line that did not come
    log, connection = "/var/log/exim-mainlog", "(TCP/IP connection count"
    logins = ("A=plain:desk", "A=login:desk")

    def start(self):
        self.machine.write("/etc/exim4/exim4.conf", self.fill_in(EXIM))
        self.machine.run("install", "-d", "-o", "Debian-exim", "-g", "Debian-exim", "/var/spool/exim4")
        self.machine.run("install", "-d", "-o", "inbox", "/var/mail/lab")
        self.machine.run("chown", "-R", "Debian-exim", "/etc/lab")
        self.machine.spawn(self.machine.path("/var/log/exim-said"), "exim4", "-bdf", "-q10s")
        wait_until("Exim", lambda: all(postfix.listens(self.machine, port) for port in PORTS))

    def let_in(self):
        self.machine.write("/etc/lab/let-in", "")


class OpenSMTPD(Receiver):
    smtputf8 = False
    alters = ("from_with_comment",)  # takes an escaped quote for the end of the string, and gives what follows its own host
    logins = ("smtp authentication user=desk",)
    log, connection = "/var/log/smtpd", "smtp connected address=34.56.78.90"

    def start(self):
        self.machine.write("/etc/mailname", f"mx.{self.domain}\n")
        self.machine.write("/etc/smtpd.conf", self.fill_in(OPENSMTPD))
        self.machine.write("/etc/lab/users", f"{NAME} {run('openssl', 'passwd', '-6', PASSWORD).decode()}")
        self.machine.write("/etc/lab/later", f"later@{self.domain}\n")
        self.machine.run("install", "-d", "-o", "inbox", "/var/mail/lab")
        self.machine.run("chgrp", "opensmtpq", "/usr/sbin/smtpctl")  # what the package's own set-up would do
        self.machine.run("chmod", "2755", "/usr/sbin/smtpctl")
        self.machine.spawn(self.machine.path(self.log), "/usr/sbin/smtpd", "-d")
        wait_until("OpenSMTPD", lambda: all(postfix.listens(self.machine, port) for port in PORTS))

    def let_in(self):
        self.machine.write("/etc/lab/later", "nobody-now@nowhere.example\n")
        self.machine.run("smtpctl", "update", "table", "later")


PROGRAMS = (Postfix, Exim, OpenSMTPD)
