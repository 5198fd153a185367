"""The lab's certificate authority, which mailferry trusts, and certificates of it or of nobody."""
from machines import run


class Authority:
    def __init__(self, folder):
        self.certificate, self.key = folder / "authority.pem", folder / "authority.key"
        self._make("authority", self.certificate, self.key)

    def issue(self, host, certificate, key):
        """A certificate for the host that the authority has signed."""
        self._make(host, certificate, key, "-CA", self.certificate, "-CAkey", self.key)

    def leave_unsigned(self, host, certificate, key):
        """The same names, but nobody vouches for them."""
        self._make(host, certificate, key)

    @staticmethod
    def _make(name, certificate, key, *signed_by):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
            "-keyout", key, "-out", certificate, *signed_by)
