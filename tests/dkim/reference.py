"""RFC 6376 3.4 in a few lines, and a signer that writes whatever tags it is told: for signatures that no sane signer makes."""
import base64
import hashlib
import re

import dkim.crypto
import nacl.signing


def canonical_field(kind, raw):
    """A field with its final CR LF."""
    if kind == "simple":
        return raw
    name, value = raw.split(b":", 1)
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + value + b"\r\n"


def canonical_body(kind, body):
    if kind == "relaxed":
        body = re.sub(rb"[ \t]+", b" ", re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body))
    body = re.sub(rb"(\r\n)*\Z", b"", body, count=1)
    return body + b"\r\n" if body or kind == "simple" else b""


def split(message):
    """Fields with their final CR LF, and the body."""
    head, empty_line, body = message.partition(b"\r\n\r\n")
    return re.findall(rb"(?s).+?\r\n(?![ \t])", head + b"\r\n"), body if empty_line else b""


def body_hash(kind, body, length=None, hash_name="sha256"):
    return base64.b64encode(hashlib.new(hash_name, canonical_body(kind, body)[:length]).digest()).decode()


def picked(fields, names):
    """Fields by h=, from the bottom up."""
    left = list(fields)
    for name in names:
        for field in reversed(left):
            if field.split(b":", 1)[0].strip(b" \t").lower() == name.lower():
                left.remove(field)
                yield field
                break


def sign(message, key, text, header_kind="relaxed", names=(b"from", b"to", b"subject"), hash_name="sha256"):
    """The field whose value is `text` with {b} filled in; what stands in text may contradict what is done. White space around the value
    of b= goes with it (RFC 6376 3.7)."""
    fields, _ = split(message)
    start, end = (f"DKIM-Signature:{text}".encode("latin-1") + b"\r\n").split(b"{b}")
    rest = end.lstrip() if end.lstrip().startswith(b";") else b"\r\n"
    data = b"".join(canonical_field(header_kind, field) for field in picked(fields, names)) + canonical_field(header_kind, start.rstrip() + rest)[:-2]
    digest = hashlib.new(hash_name, data)
    if key.type == "rsa":
        made = dkim.crypto.RSASSA_PKCS1_v1_5_sign(digest, dkim.crypto.parse_pem_private_key(key.pem))
    else:
        made = nacl.signing.SigningKey(base64.b64decode(key.seed)).sign(digest.digest()).signature
    return start + base64.b64encode(made) + end
