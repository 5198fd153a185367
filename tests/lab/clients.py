"""Real clients hand mail to mailferry: each over STARTTLS and implicit TLS, as a trusted host and with a name and password.

What a client is told to do is a function here: it returns the command for one message from standard input or a file."""
import concurrent.futures
import re
import subprocess

import arrivals
import messages
from machines import LabError, wait_until
from zones import HOME, RELAY

NAME, PASSWORD = "desk", "not a secret 7"
PORTS = {"starttls": 587, "implicit": 465}
SENDER = "boss@mydomain.com"

EXIM = """primary_hostname = smtp.mydomain.com
log_file_path = /var/log/exim-%slog
spool_directory = /var/spool/exim4
keep_environment =
tls_advertise_hosts =
begin acl
begin routers
out:
  driver = manualroute
  domains = *
  route_list = * {relay}
  transport = out
  self = send
begin transports
out:
  driver = smtp
  port = {port}
  protocol = {protocol}
  hosts_require_tls = *
  tls_verify_hosts = :
  tls_try_verify_hosts = :
  hosts_require_auth = {must_auth}
begin authenticators
{authenticator}:
  driver = plaintext
  public_name = {mechanism}
  client_send = {secret}
"""


class Client:
    """One real program in one of its ways."""

    def __init__(self, program, way, mechanism=""):
        self.program, self.way, self.mechanism = program, way, mechanism
        self.name = " ".join(part for part in (program, way, mechanism) if part)
        self.recipient = self.name.lower().replace(" ", "-").replace("_", "-") + "@abc.com"

    @property
    def port(self):
        return PORTS[self.way]


def swaks(client, machine):
    tls = ["--tls"] if client.way == "starttls" else ["--tlsc"]
    auth = ["--auth", client.mechanism, "--auth-user", NAME, "--auth-password", PASSWORD] if client.mechanism else []
    return machine.command("swaks", "--server", RELAY, "--port", str(client.port), *tls, *auth, "--from", SENDER, "--to", client.recipient,
                           "--ehlo", "desk.mydomain.com", "--data", "-", "--suppress-data")


def msmtp(client, machine):
    auth = [f"--auth={client.mechanism.lower()}", f"--user={NAME}", f"--passwordeval=echo {PASSWORD}"] if client.mechanism else ["--auth=off"]
    starttls = "on" if client.way == "starttls" else "off"
    return machine.command("msmtp", "--file=/dev/null", f"--host={RELAY}", f"--port={client.port}", "--tls=on", f"--tls-starttls={starttls}",
                           "--tls-certcheck=off", "--domain=desk.mydomain.com", *auth, f"--from={SENDER}", client.recipient)


def exim(client, machine):
    secret = f"^{NAME}^{PASSWORD}" if client.mechanism != "LOGIN" else f": {NAME} : {PASSWORD}"
    config = EXIM.format(relay=RELAY, port=client.port, protocol="smtp" if client.way == "starttls" else "smtps",
                         must_auth="*" if client.mechanism else ":", authenticator=(client.mechanism or "PLAIN").lower(),
                         mechanism=client.mechanism or "NONE", secret=secret)
    file = f"/etc/exim-{client.recipient}.conf"
    machine.write(file, config)
    machine.run("install", "-d", "-m", "0755", "-o", "Debian-exim", "-g", "Debian-exim", "/var/spool/exim4")
    return machine.command("exim4", "-C", file, "-odf", "-oi", "-f", SENDER, client.recipient)


SMTPLIB = """import smtplib, ssl, sys
name, password, sender, recipient, host, port, way, mechanism = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
if way == "implicit":
    server = smtplib.SMTP_SSL(host, int(port), "desk.mydomain.com", timeout=30, context=context)
else:
    server = smtplib.SMTP(host, int(port), "desk.mydomain.com", timeout=30)
    server.starttls(context=context)
server.ehlo()
if mechanism:
    server.user, server.password = name, password
    server.auth(mechanism, getattr(server, "auth_" + mechanism.lower()))
server.sendmail(sender, [recipient], sys.stdin.buffer.read(), ["BODY=8BITMIME"], ["NOTIFY=FAILURE"])
server.quit()
"""


def smtplib(client, machine):
    return machine.command("/usr/bin/python3", "-c", SMTPLIB, NAME, PASSWORD, SENDER, client.recipient, RELAY, str(client.port), client.way,
                           client.mechanism)


NODEMAILER = """const [name, password, from, to, host, port, way, mechanism] = process.argv.slice(1);
const transport = require('/usr/share/nodejs/nodemailer').createTransport({
  host, port: Number(port), name: 'desk.mydomain.com', secure: way === 'implicit', requireTLS: true, tls: {rejectUnauthorized: false},
  ...(mechanism && {auth: {user: name, pass: password}, authMethod: mechanism})});
transport.sendMail({envelope: {from, to: [to]}, raw: require('fs').readFileSync(0)})
  .catch(error => { console.error(String(error)); process.exitCode = 1; });
"""


def nodemailer(client, machine):
    return machine.command("node", "-e", NODEMAILER, NAME, PASSWORD, SENDER, client.recipient, RELAY, str(client.port), client.way, client.mechanism)


PROGRAMS = {"swaks": swaks, "msmtp": msmtp, "exim": exim, "smtplib": smtplib, "nodemailer": nodemailer}


def trusted_clients():
    return [Client(program, way) for program in PROGRAMS for way in PORTS]


def clients_with_passwords():
    mechanisms = {"swaks": ("PLAIN", "LOGIN"), "msmtp": ("PLAIN", "LOGIN", "SCRAM-SHA-256"), "exim": ("PLAIN", "LOGIN"), "smtplib": ("PLAIN", "LOGIN"),
                  "nodemailer": ("PLAIN", "LOGIN")}
    return [Client(program, way, mechanism) for program, known in mechanisms.items() for mechanism in known for way in PORTS]


def letter(client):
    head = f"From: The Boss <{SENDER}>\r\nTo: Bob <{client.recipient}>\r\nSubject: {client.name}\r\n"
    head += f"Date: Tue, 24 Nov 2026 10:00:00 +0800\r\nMessage-ID: <{client.recipient.split('@')[0]}.lab@mydomain.com>\r\n\r\n"
    return head + f"This is {client.name}.\r\n.\r\n..\r\n.hidden\r\n" + messages.LOREM * 20 + "the last line\r\n"


def hand_in(machine, client):
    """Runs the program to its end; what it said when it failed."""
    unix_lines = client.program in ("exim", "msmtp", "swaks")
    text = letter(client).replace("\r\n", "\n") if unix_lines else letter(client)
    if client.program == "swaks":
        text = text.rstrip("\n").replace("\n", "\r\n")  # it writes the final line end, and stuffs the dots itself
    done = subprocess.run(PROGRAMS[client.program](client, machine), input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    return "" if done.returncode == 0 else f"exit {done.returncode}: {done.stdout.decode(errors='replace')[-1500:]}"


def body_of(data):
    return data.partition(b"\n\n")[2]


def is_trace_right(client, data):
    """RFC 3848: ESMTPS, and ESMTPSA where a password was given."""
    return re.search(rb"with ESMTPSA\s+\(TLS" if client.mechanism else rb"with ESMTPS\s+\(TLS", data)


def check_arrivals(lab, clients):
    that = lab.checks.that
    recipients = {client.recipient: client for client in clients}
    files = {}

    def all_there():
        for file in lab.arrived():
            to = arrivals.delivered_to(file)
            if to in recipients:
                files[to] = file
        return len(files) == len(recipients)

    try:
        wait_until("the clients' mail to arrive", all_there, 60)
    except LabError:
        that("every client's mail arrives", False, str(sorted(set(recipients) - set(files))))
    verified = arrivals.verify_with_dkimpy(lab.world)
    for to, file in files.items():
        client = recipients[to]
        expected = body_of(letter(client).replace("\r\n", "\n").encode())
        that(f"{client.name}: arrives whole", body_of(file.read_bytes()) == expected, file.name)
        that(f"{client.name}: Received tells how it came", is_trace_right(client, file.read_bytes()), file.name)
        found = {(one["domain"], one["selector"]) for one in verified[file.name] if one["good"]}
        that(f"{client.name}: its signatures verify", found == {("mydomain.com", "us"), ("mydomain.com", "ed")}, str(verified[file.name]))


POSTFIX = {  # what the transports of the domestic Postfix are called, see postfix.py
    Client("postfix", "starttls"): "smtp", Client("postfix", "implicit"): "smtps",
    Client("postfix", "starttls", "PLAIN"): "plain", Client("postfix", "starttls", "LOGIN"): "login",
    Client("postfix", "implicit", "SCRAM-SHA-256"): "scram"}

SUBMIT = """import smtplib, sys
host, sender, recipients = sys.argv[1], sys.argv[2], sys.argv[3:]
with smtplib.SMTP(host, 25, "desk.mydomain.com", timeout=30) as server:
    server.ehlo()
    for recipient in recipients:
        text = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
        server.sendmail(sender, [recipient], text, ["RET=HDRS", "ENVID=from-" + recipient.split("@")[0]],
                        ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first-" + recipient])
"""


def through_postfix(lab):
    """The domestic Postfix, asked for a notice of success: it hands on the sender's wishes."""
    texts = [letter(client).encode() for client in POSTFIX]
    order = b"".join(f"{len(text)}\n".encode() + text for text in texts)
    command = lab.home.command("/usr/bin/python3", "-c", SUBMIT, HOME, SENDER, *(client.recipient for client in POSTFIX))
    done = subprocess.run(command, input=order, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    lab.checks.that("the domestic Postfix takes mail with DSN parameters", done.returncode == 0, done.stdout.decode(errors="replace"))


def notices_of_success(lab):
    """Recipients as the sender first knew them, of whom notices came home with the sender's own ENVID."""
    told = set()
    for file in lab.came_home():
        text = file.read_text(errors="replace")
        for client in POSTFIX:
            local = client.recipient.split("@")[0]
            if f"Original-Envelope-Id: from-{local}\n" in text and f"Original-Recipient: rfc822;first-{client.recipient}" in text:
                told.add(client.recipient)
    return told


def real_clients(lab):
    that = lab.checks.that
    everyone = list(POSTFIX)
    through_postfix(lab)
    for machine, clients in ((lab.home, trusted_clients()), (lab.desk, clients_with_passwords())):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            troubles = pool.map(lambda client, machine=machine: hand_in(machine, client), clients)
        for client, trouble in zip(clients, troubles):
            if that(f"{client.name}: is served", not trouble, trouble):
                everyone.append(client)
    check_arrivals(lab, everyone)
    wanted = {client.recipient for client in POSTFIX}
    try:
        wait_until("the notices of success", lambda: notices_of_success(lab) == wanted)
    except LabError:
        that("DSN parameters go the whole way", False, f"no notice for {wanted - notices_of_success(lab)}")
    that("Exim sends with BDAT", "=> exim-starttls@abc.com" in lab.home.read("/var/log/exim-mainlog") and " K " in lab.home.read("/var/log/exim-mainlog"),
         lab.home.read("/var/log/exim-mainlog")[-800:])
