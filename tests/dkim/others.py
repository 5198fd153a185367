"""The other implementations of DKIM, each in this process or behind one pipe: sign(message, ...) gives the field with its final CR LF,
verify(message) a (good, words) for each signature from the top down. Words are theirs, for a reader of a report."""
import base64
import ctypes
import json
import pathlib
import re
import subprocess
import tempfile

import dkim
import dkim.crypto

HERE = pathlib.Path(__file__).parent


class Refused(Exception):
    """It would not sign, or not read, this message."""


class Key:
    """One key pair with its selector and record. `path` is a PEM file in PKCS#8."""

    def __init__(self, selector, algorithm, path):
        self.selector, self.algorithm, self.path = selector, algorithm, pathlib.Path(path)
        self.pem = self.path.read_bytes()
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.type = algorithm.split("-")[0]
        self.public = base64.b64encode(der if self.type == "rsa" else der[-32:]).decode()
        self.record = f"v=DKIM1; k={self.type}; p={self.public}"
        private = base64.b64decode("".join(line for line in self.pem.decode().split("\n") if not line.startswith("-")))
        self.seed = base64.b64encode(private[-32:])  # of Ed25519 (RFC 8410)


class Dkimpy:
    """python3-dkim."""

    algorithms = {"rsa-sha256", "ed25519-sha256"}

    def __init__(self, records):
        self.records = {name.encode(): record.encode() for name, record in records.items()}

    def look_up(self, name, timeout=0):
        return self.records.get(name.lower().rstrip(b"."))

    def sign(self, message, key, canonicalization, domain):
        private = key.pem if key.type == "rsa" else key.seed
        try:
            return dkim.DKIM(message).sign(key.selector.encode(), domain.encode(), private, key.algorithm.encode(),
                                           canonicalize=canonicalization.encode().split(b"/"))
        except (dkim.DKIMException, IndexError) as error:
            raise Refused(f"{error}") from error

    def verify(self, message):
        try:
            count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.rfc822_parse(message)[0])
        except (dkim.DKIMException, IndexError) as error:
            raise Refused(f"{error}") from error
        return [self.verify_one(message, index) for index in range(count)]

    def verify_one(self, message, index):
        try:
            return dkim.DKIM(message).verify(idx=index, dnsfunc=self.look_up), ""
        except Exception as error:  # of any kind: what a stranger writes makes it stumble too
            return False, f"{type(error).__name__}: {error}"


class OpenDkim:
    """libopendkim, as opendkim(8) uses it."""

    algorithms = {"rsa-sha256", "ed25519-sha256"}
    ALGORITHM = {"rsa-sha256": 1, "ed25519-sha256": 2}
    CANON = {"simple": 0, "relaxed": 1}
    SET, FLAGS, SIGN_HEADERS = 1, 0, 4
    DELAY_JUDGEMENT, KEEP_BAD = 0x20, 0x400
    PASSED, BODY_MATCHES = 0x04, 0
    CONTINUE, NOT_FOUND = 0, 3

    def __init__(self, records):
        self.records = records
        self.library = library = ctypes.CDLL("libopendkim.so.11")
        for name in ["dkim_init", "dkim_sign", "dkim_verify", "dkim_sig_getselector", "dkim_sig_getdomain", "dkim_sig_geterrorstr"]:
            getattr(library, name).restype = ctypes.c_void_p
        look_up_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)
        self.look_up_here = look_up_type(self.look_up)  # must live as long as the handle
        self.handle = ctypes.c_void_p(library.dkim_init(None, None))
        library.dkim_set_key_lookup(self.handle, self.look_up_here)
        flags = ctypes.c_uint(self.DELAY_JUDGEMENT | self.KEEP_BAD)
        library.dkim_options(self.handle, self.SET, self.FLAGS, ctypes.byref(flags), ctypes.sizeof(flags))
        self.names = (ctypes.c_char_p * 12)(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"comments", b"keywords",
                                            b"mime-version", b"content-type", None)
        library.dkim_options(self.handle, self.SET, self.SIGN_HEADERS, self.names, ctypes.sizeof(ctypes.c_void_p))

    def text(self, function, signature):
        return ctypes.string_at(getattr(self.library, function)(ctypes.c_void_p(signature))).decode("latin-1")

    def look_up(self, _, signature, buffer, size):
        name = f"{self.text('dkim_sig_getselector', signature)}._domainkey.{self.text('dkim_sig_getdomain', signature)}".lower()
        record = self.records.get(name, "").encode() + b"\0"
        if len(record) == 1 or len(record) > size:
            return self.NOT_FOUND
        ctypes.memmove(buffer, record, len(record))
        return self.CONTINUE

    def feed(self, message, dkim_handle, judge):
        status = self.library.dkim_chunk(dkim_handle, message, ctypes.c_size_t(len(message)))
        status = status or self.library.dkim_chunk(dkim_handle, None, ctypes.c_size_t(0))
        status = self.library.dkim_eom(dkim_handle, None) if status == 0 else status
        if status != 0 and not judge:
            raise Refused(f"libopendkim's status is {status}")
        return status

    def sign(self, message, key, canonicalization, domain):
        status, header_canon, body_canon = ctypes.c_int(), *(self.CANON[name] for name in canonicalization.split("/"))
        handle = ctypes.c_void_p(self.library.dkim_sign(self.handle, b"x", None, key.pem, key.selector.encode(), domain.encode(), header_canon, body_canon,
                                                        self.ALGORITHM[key.algorithm], ctypes.c_ssize_t(-1), ctypes.byref(status)))
        if not handle:
            raise Refused(f"libopendkim's status is {status.value}")
        try:
            self.feed(message, handle, judge=False)
            text, size = ctypes.c_void_p(), ctypes.c_size_t()
            self.library.dkim_getsighdr_d(handle, ctypes.c_size_t(len("DKIM-Signature: ")), ctypes.byref(text), ctypes.byref(size))
            return b"DKIM-Signature: " + re.sub(b"\r?\n", b"\r\n", ctypes.string_at(text, size.value)) + b"\r\n"
        finally:
            self.library.dkim_free(handle)

    def verify(self, message):
        status = ctypes.c_int()
        handle = ctypes.c_void_p(self.library.dkim_verify(self.handle, b"x", None, ctypes.byref(status)))
        try:
            status = self.feed(message, handle, judge=True)
            signatures, count = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_int()
            if self.library.dkim_getsiglist(handle, ctypes.byref(signatures), ctypes.byref(count)) != 0:
                raise Refused(f"libopendkim's status is {status}")
            return [self.verify_one(handle, ctypes.c_void_p(signatures[n])) for n in range(count.value)]
        finally:
            self.library.dkim_free(handle)

    def verify_one(self, handle, signature):
        self.library.dkim_sig_process(handle, signature)
        passed = self.library.dkim_sig_getflags(signature) & self.PASSED != 0 and self.library.dkim_sig_getbh(signature) == self.BODY_MATCHES
        error = self.library.dkim_sig_geterror(signature)
        words = self.library.dkim_sig_geterrorstr(error)
        return passed and error == 0, ctypes.string_at(words).decode() if words else ""


class MailDkim:
    """Perl's Mail::DKIM."""

    def __init__(self, records):
        self.pipe = subprocess.Popen(["perl", HERE / "mail_dkim.pl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory()
        self.ask(records={name: re.findall(".{1,255}", record) for name, record in records.items()})
        self.algorithms = {"rsa-sha256"} | ({"ed25519-sha256"} if self.ask(supports="ed25519")["answer"] else set())

    def ask(self, **wanted):
        self.pipe.stdin.write(json.dumps(wanted) + "\n")
        self.pipe.stdin.flush()
        answer = json.loads(self.pipe.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def file(self, message):
        path = pathlib.Path(self.folder.name, "message")
        path.write_bytes(message)
        return str(path)

    def sign(self, message, key, canonicalization, domain):
        answer = self.ask(sign=self.file(message), key=str(key.path), algorithm=key.algorithm, canonicalization=canonicalization, domain=domain,
                          selector=key.selector)
        return re.sub(b"\r?\n", b"\r\n", answer["field"].encode()) + b"\r\n"

    def verify(self, message):
        return [(result == "pass", detail) for result, detail in self.ask(verify=self.file(message))["signatures"]]


def others(records):
    return {"OpenDKIM": OpenDkim(records), "dkimpy": Dkimpy(records), "Mail::DKIM": MailDkim(records)}
