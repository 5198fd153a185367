"""mailferry's side of the cross-check: `dkim sign` and `dkim verify`, a process a message, keys from a name server of our own."""
import json
import multiprocessing
import pathlib
import re
import shutil
import socket
import struct
import subprocess

from others import Refused

CANONICALIZATIONS = ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]
TXT, CNAME = 16, 5


def configuration(canonicalization, keys, domain):
    rules = "".join(f'[[dkim.sign]]\nfrom = "*"\ndomain = "{domain}"\nselector = "{key.selector}"\nkey = "{key.path.name}"\n' for key in keys)
    return (f'hostname = "mail.mydomain.com"\npostmaster = "admin@mydomain.com"\nspool = "spool"\n[dkim]\ncanonicalization = "{canonicalization}"\n'
            f'oversign = ["recommended"]\n{rules}')


def answer(query, records):
    """A DNS answer: the TXT records of `records` {name: [[string...]...] or "servfail"}, NXDOMAIN for other names; names under "alias."
    are found elsewhere."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    found = records.get(".".join(labels).lower())
    code = 2 if found == "servfail" else 0 if found is not None else 3
    wanted = [] if code != 0 or struct.unpack("!H", query[at + 1:at + 3])[0] != TXT else found
    texts = [b"".join(bytes([len(string)]) + string for string in strings) for strings in wanted]
    resources = [b"\xc0\x0c" + struct.pack("!HHIH", TXT, 1, 60, len(text)) + text for text in texts]
    if labels[0].startswith("alias"):
        elsewhere = b"\x03key\x07example\x03net\x00"
        resources = [b"\xc0\x0c" + struct.pack("!HHIH", CNAME, 1, 60, len(elsewhere)) + elsewhere] + [elsewhere + resource[2:] for resource in resources]
    return query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(resources), 0, 0) + query[12:at + 5] + b"".join(resources)


def answers(records):
    """{name: [record...] or "servfail" or None} as start_name_server() takes them: each record in strings of up to 255 octets."""
    return {name: found if found == "servfail" else [re.findall(rb"(?s).{1,255}", record.encode("latin-1")) for record in found]
            for name, found in records.items() if found is not None}


def serve(server, records):
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, records), client)


def start_name_server(records):
    """HOST:PORT; ends with this program."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    multiprocessing.Process(target=serve, args=(server, records), daemon=True).start()
    return "127.0.0.1:%d" % server.getsockname()[1]


class Mailferry:
    def __init__(self, binary, folder, keys, domain, name_server):
        self.binary, self.folder, self.name_server = binary, pathlib.Path(folder), name_server
        for key in keys:
            shutil.copy(key.path, self.folder)
            (self.folder / key.path.name).chmod(0o600)
        for canonicalization in CANONICALIZATIONS:
            self.config(canonicalization).write_text(configuration(canonicalization, keys, domain))

    def config(self, canonicalization):
        return self.folder / (canonicalization.replace("/", "-") + ".toml")

    def run(self, message, *arguments):
        path = self.folder / "message"
        path.write_bytes(message)
        return subprocess.run([self.binary, *arguments, path], capture_output=True, timeout=60)

    def sign(self, message, canonicalization):
        """The signature fields of all keys, in their order."""
        done = self.run(message, "-c", self.config(canonicalization), "dkim", "sign")
        if done.returncode != 0:
            raise Refused(done.stderr.decode(errors="replace").strip())
        if not done.stdout.endswith(message):
            raise Refused("the message came out changed")
        return done.stdout[:len(done.stdout) - len(message)]

    def results(self, message, *options):
        """What `dkim verify --json` says."""
        done = self.run(message, "dkim", "verify", "--json", "--dns", self.name_server, *options)
        if not done.stdout:
            raise Refused(done.stderr.decode(errors="replace").strip())
        return json.loads(done.stdout)["signatures"]

    def verify(self, message):
        return [(result["result"] == "pass", f"{result['result']} {result['reason']}") for result in self.results(message)]
