"""mailferry on its machine: configuration, start, signals, log and command line."""
import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess

from clients import NAME, PASSWORD
from machines import DNS, LabError, run, wait_until, write
from zones import HOME, RELAY

CONFIG = """hostname = "mail.mydomain.com"
postmaster = "admin@mydomain.com"
spool = "{folder}/spool"
spool_unsafe = true

[log]
to = "{folder}/mailferry.log"

[[listen]]
address = "{relay}:25"

[[listen]]
address = "{relay}:587"

[[listen]]
address = "{relay}:465"
tls = "implicit"

[accept]
mynetworks = ["{home}"]
users = "{folder}/users"

[dkim]
canonicalization = "{canonicalization}"
{rules}
[delivery]
bind_ipv4 = "{relay}"
ip_versions = "ipv4-only"

[retry]
delays = [{delays}]

[dns]
servers = ["{dns}:53"]

[admin]
socket = "{folder}/admin.sock"
submit = "{folder}/submit.sock"
"""

RULE = """[[dkim.sign]]
from = "*@{domain}"
domain = "{domain}"
selector = "{selector}"
key = "{key}"
"""


def scram_verifier(password, iterations=4096):
    """RFC 5803."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client, server = (hmac.digest(salted, words, "sha256") for words in (b"Client Key", b"Server Key"))
    stored = hashlib.sha256(client).digest()
    return f"SCRAM-SHA-256${iterations}:{base64.b64encode(salt).decode()}${base64.b64encode(stored).decode()}:{base64.b64encode(server).decode()}"


class Mailferry:
    """Runs without a chroot, since its spool must lie on a real disk; only the network is the lab's."""

    def __init__(self, binary, folder, namespace, keys, authority):
        self.binary, self.folder, self.namespace, self.keys, self.authority = binary, folder, namespace, keys, authority
        self.config = folder / "mailferry.toml"
        self.process = None
        crypted = run("openssl", "passwd", "-6", PASSWORD).decode().strip()
        write(folder / "users", f"{NAME}:{crypted}\n{NAME}:{scram_verifier(PASSWORD)}\n")
        (folder / "users").chmod(0o600)

    def configure(self, canonicalization="relaxed/relaxed", delays=("15s",), blocks=""):
        """`blocks`: more tables for the end of the file."""
        rules = "".join(RULE.format(domain=key.domain, selector=key.selector, key=key.path) for key in self.keys)
        write(self.config, CONFIG.format(folder=self.folder, relay=RELAY, home=HOME, dns=DNS, canonicalization=canonicalization, rules=rules,
                                         delays=", ".join(f'"{delay}"' for delay in delays)) + blocks)

    def _command(self, *arguments):
        return ["ip", "netns", "exec", self.namespace, str(self.binary), *arguments, "-c", str(self.config)]

    def start(self):
        with open(self.folder / "stderr.log", "ab") as out:
            self.process = subprocess.Popen(self._command("serve"), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env={**os.environ, "SSL_CERT_FILE": str(self.authority.certificate)})
        wait_until("mailferry to listen", self._up)

    def _up(self):
        if self.process.poll() is not None:
            raise LabError(f"mailferry ended with {self.process.returncode}: {self.said()}")
        return (self.folder / "admin.sock").is_socket() and self.listens()

    def listens(self):
        table = subprocess.run(["ip", "netns", "exec", self.namespace, "cat", "/proc/net/tcp"], check=True, stdout=subprocess.PIPE).stdout.decode()
        return any(line.split()[1].endswith(":0019") and line.split()[3] == "0A" for line in table.splitlines()[1:])

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1

    def verify(self, data):
        """What `dkim verify` says: {(domain, selector): result}."""
        done = subprocess.run(self._command("dkim", "verify", "-", "--json"), input=data, stdout=subprocess.PIPE, check=False)
        found = json.loads(done.stdout)["signatures"]
        return {(one["domain"], one["selector"]): one["result"] for one in found}

    def reload(self):
        before = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        wait_until("mailferry to reload", lambda: re.search(r"\breload(ed|-failed)\b", self.log()[before:]))

    def log(self):
        try:
            return (self.folder / "mailferry.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def said(self):
        return (self.folder / "stderr.log").read_text(errors="replace")

    def events(self, verb):
        """The log lines of a verb as dictionaries of their key=value pairs."""
        found = []
        for line in self.log().splitlines():
            words = re.search(rf"\b{verb} (id=.*)", line)
            if words:
                found.append({name: value.strip('"') for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', words.group(1))})
        return found

    def cli(self, *arguments):
        done = subprocess.run(self._command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise LabError(f"mailferry {' '.join(arguments)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def queue(self):
        return json.loads(self.cli("queue", "list", "--json"))
