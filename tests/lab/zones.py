"""The DNS of the lab: the tutorial's records for two sending domains, a receiver, the reverse zone, and nothing else in the world."""
import base64
import subprocess

from machines import DNS

HOME = "12.34.56.78"      # the domestic host
RELAY = "34.56.78.90"     # the VPS: mailferry
RECEIVER = "203.0.113.25"
RECEIVERS = {"postfix": "203.0.113.31", "exim": "203.0.113.32", "opensmtpd": "203.0.113.33"}  # see receivers.py
DESK = "198.51.100.7"     # a client without a fixed address: a stranger until it gives its password

SOA = "@ SOA ns1.lab.example. admin.mydomain.com. 1 3600 600 86400 5\n@ NS ns1.lab.example.\n"

ZONES = {
    ".": "ns1.lab.example. A " + DNS + "\n",
    "mydomain.com": f"""@ MX 10 smtp
smtp A {HOME}
mail A {RELAY}
@ TXT "v=spf1 a mx ip4:{RELAY} ~all"
_dmarc TXT "v=DMARC1; p=quarantine; pct=5; rua=mailto:admin@mydomain.com"
""",
    "netstarmacau.com": """@ MX 10 smtp.mydomain.com.
@ TXT "v=spf1 mx include:mydomain.com ~all"
_dmarc TXT "v=DMARC1; p=none; rua=mailto:admin@mydomain.com"
""",
    "abc.com": f"@ MX 10 mx\nmx A {RECEIVER}\n",
    "78.56.34.in-addr.arpa": "90 PTR mail.mydomain.com.\n",
    "56.34.12.in-addr.arpa": "78 PTR smtp.mydomain.com.\n",
    **{f"{name}.example": f"@ MX 10 mx\nmx A {address}\n" for name, address in RECEIVERS.items()},
}


class Key:
    """A signing key and the record that publishes it."""

    def __init__(self, folder, domain, selector, kind):
        self.domain, self.selector, self.kind = domain, selector, kind
        self.path = folder / f"{selector}.{domain}.pem"
        options = ["-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" else []
        subprocess.run(["openssl", "genpkey", "-algorithm", kind, *options, "-out", self.path], check=True, stderr=subprocess.DEVNULL)
        self.path.chmod(0o600)

    def record(self):
        public = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
        if self.kind == "ed25519":
            public = public[-32:]  # RFC 8463 publishes the bare key
        text = f"v=DKIM1; k={self.kind}; p={base64.b64encode(public).decode()}"
        parts = " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250))
        return f"{self.selector}._domainkey TXT ( {parts} )\n"


def start(world, keys, log):
    """NSD on the world's machine, with the zones above and the records of the keys."""
    conf = f'server:\n  ip-address: {DNS}\n  username: ""\n  zonesdir: "/etc/nsd"\n  pidfile: "/run/nsd.pid"\n  server-count: 1\n'
    conf += "remote-control:\n  control-enable: no\n"
    for zone, records in ZONES.items():
        file = f"{'root' if zone == '.' else zone}.zone"
        published = "".join(key.record() for key in keys if key.domain == zone)
        world.write(f"/etc/nsd/{file}", f"$ORIGIN {zone.rstrip('.')}.\n$TTL 60\n{SOA}{records}{published}")
        conf += f'zone:\n  name: "{zone}"\n  zonefile: "{file}"\n'
    world.write("/etc/nsd/nsd.conf", conf)
    return world.spawn(log, "nsd", "-d", "-c", "/etc/nsd/nsd.conf")
