"""Signatures and key records that are odd, broken or hostile, each with the word that RFC 6376 (8301, 8463, 8601) wants for it. The
signature is right for what it says: only the oddity decides."""
import re
import time

import reference

MESSAGE = (b"From: Ann <ann@mydomain.com>\r\nTo: Bob <bob@abc.com>\r\nSubject: Offer\r\nDate: Tue, 24 Nov 2026 10:00:00 +0800\r\n\r\n"
           b"The offer stands.\r\nFor a week.\r\n")
HEADER, BODY = MESSAGE.split(b"\r\n\r\n", 1)
OLDER = b"DKIM-Signature: v=1; a=rsa-sha256; d=elsewhere.example; s=x; h=from; bh=" + b"A" * 43 + b"=; b=AAAA\r\n"
DOMAIN = "mydomain.com"
NOW = int(time.time())
TAGS = {"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": DOMAIN, "s": None, "t": str(NOW - 60), "h": "from:to:subject", "bh": None, "b": "{b}"}


class Broken:
    """One message with one signature. `tags` replace or (None) remove those of TAGS; `text` edits the whole tag list before it is
    signed, `field` the field and `after` the message behind it afterwards; `record` is what DNS has ({key} is the public key; a list: several records; None: no such name)."""

    def __init__(self, name, word, tags=None, text=None, record="v=DKIM1; k=rsa; p={key}", message=MESSAGE, after=None, header_kind="relaxed",
                 names=(b"from", b"to", b"subject"), key="rsa", field=None, options=()):
        self.name, self.word, self.tags, self.text, self.record = name, word, tags or {}, text, record
        self.message, self.after, self.header_kind, self.names, self.key = message, after, header_kind, names, key
        self.field, self.options = field, options

    def records(self, keys):
        """What DNS answers, each record a string; "servfail" as it is."""
        if self.record is None or self.record == "servfail":
            return self.record
        public = keys[self.key].public
        values = {"{key}": public, "{key with spaces}": " ".join(re.findall(".{1,50}", public)), "{key without padding}": public.rstrip("="),
                  "{other}": keys["long enough"].public}
        return [re.sub("{[a-z ]+}", lambda found: values[found[0]], record) for record in ([self.record] if isinstance(self.record, str) else self.record)]

    def made(self, selector, keys):
        """The signed message as it arrives."""
        body_kind = (self.tags.get("c", TAGS["c"]) or "").lower().partition("/")[2] or "simple"
        length = self.tags.get("l") or ""
        hashed = reference.body_hash(body_kind, self.message.partition(b"\r\n\r\n")[2], int(length) if length.isdigit() and len(length) < 20 else None,
                                     self.hash_name())
        tags = TAGS | {"s": selector, "bh": hashed} | self.tags
        text = " " + "; ".join(f"{name}={value}" for name, value in tags.items() if value is not None)
        field = self.sign(self.text(text) if self.text else text, keys[self.key])
        if self.field:
            field = self.field(field)
        return field + (self.after(self.message) if self.after else self.message)

    def hash_name(self):
        return "sha1" if self.tags.get("a") == "rsa-sha1" else "sha256"

    def sign(self, text, key):
        if "{b}" not in text:
            return f"DKIM-Signature:{text}\r\n".encode("latin-1")
        return reference.sign(self.message, key, text, self.header_kind, self.names, self.hash_name())


def changed(old, new): return lambda text: text.replace(old, new)


SIGNATURES = [
    Broken("nothing odd", "pass"),
    Broken("Ed25519", "pass", {"a": "ed25519-sha256"}, record="v=DKIM1; k=ed25519; p={key}", key="ed"),
    # v=
    Broken("v= missing", "permerror", {"v": None}),
    Broken("v=2", "permerror", {"v": "2"}),
    Broken("v=01", "permerror", {"v": "01"}),
    Broken("v= empty", "permerror", {"v": ""}),
    Broken("v= last", "pass", text=lambda text: text.replace(" v=1;", "") + "; v=1"),
    # a=
    Broken("a= missing", "permerror", {"a": None}),
    Broken("a=rsa-sha1", "permerror", {"a": "rsa-sha1"}),
    Broken("a=rsa-sha512", "permerror", {"a": "rsa-sha512"}),
    Broken("a=RSA-SHA256", "permerror", {"a": "RSA-SHA256"}),
    Broken("a= empty", "permerror", {"a": ""}),
    Broken("a= for a key of another type", "permerror", {"a": "ed25519-sha256"}),
    # b=, bh=
    Broken("b= missing", "permerror", {"b": None}),
    Broken("b= empty", "permerror", {"b": ""}),
    Broken("b= is no base64", "permerror", {"b": "!!!"}),
    Broken("b= of another message", "fail", {"b": "AAAA" * 85 + "AA=="}),
    Broken("b= too short for the key", "fail", {"b": "AAAA"}),
    Broken("b= before the others", "pass", text=lambda text: " b={b};" + text.replace("; b={b}", "")),
    Broken("b= in the middle, folded", "pass", text=lambda text: text.replace("; b={b}", "").replace(" d=", "\r\n\tb=\r\n {b}\r\n ; d=")),
    Broken("b= without padding", "pass", field=lambda field: field.replace(b"==\r\n", b"\r\n")),
    Broken("b= folded anew", "pass", field=lambda field: re.sub(rb"(?s)b=(.{50})(.{50})", rb"b=\r\n\t\1  \2\r\n ", field[:-2]) + b"\r\n"),
    Broken("b= with something behind its padding", "permerror", field=lambda field: field[:-2] + b"AAAA\r\n"),
    Broken("one octet of b= changed", "fail", field=lambda field: field[:-20] + (b"B" if field[-20:-19] == b"A" else b"A") + field[-19:]),
    Broken("bh= missing", "permerror", {"bh": None}),
    Broken("bh= empty", "permerror", {"bh": ""}),
    Broken("bh= is no base64", "permerror", {"bh": "???"}),
    Broken("bh= too short", "permerror", {"bh": "AAAA"}),
    Broken("bh= of another body", "fail", {"bh": "A" * 43 + "="}),
    Broken("bh= with folds", "pass", text=lambda text: text.replace("bh=", "bh= ").replace("=; b", "\r\n\t = ; b")),
    # d=, s=
    Broken("d= missing", "permerror", {"d": None}),
    Broken("d= empty", "permerror", {"d": ""}),
    Broken("d= in upper case", "pass", {"d": "MyDomain.COM"}),
    Broken("d= with a final dot", "permerror", {"d": DOMAIN + "."}),
    Broken("d= with a space", "permerror", {"d": "mydomain .com"}),
    Broken("d= with an empty label", "permerror", {"d": "mydomain..com"}),
    Broken("d= with an address", "permerror", {"d": "ann@mydomain.com"}),
    Broken("s= missing", "permerror", text=lambda text: text.replace(" s=", " s9=")),
    Broken("s= empty", "permerror", {"s": ""}),
    Broken("s= with a label of 64", "permerror", {"s": "x" * 64}),
    Broken("s= and d= too long for DNS", "permerror", {"s": ".".join(["x" * 60] * 4)}),
    # h=
    Broken("h= missing", "permerror", {"h": None}),
    Broken("h= empty", "permerror", {"h": ""}),
    Broken("h= without From", "permerror", {"h": "to:subject"}, names=(b"to", b"subject")),
    Broken("h= of From alone", "pass", {"h": "From"}, names=(b"from",)),
    Broken("h= in mixed case", "pass", {"h": "FROM:to:SubJect"}),
    Broken("h= with white space and folds", "pass", {"h": " from :\r\n\t to\r\n :  subject "}),
    Broken("h= names fields that are not there", "pass", {"h": "from:cc:x-none:to:subject:subject:from"}, names=(b"from", b"to", b"subject")),
    Broken("h= with an empty name", "permerror", {"h": "from::to:subject"}),
    Broken("h= ends in a colon", "permerror", {"h": "from:to:subject:"}),
    Broken("h= with commas", "permerror", {"h": "from,to,subject"}),
    Broken("a second From above, From signed once", "pass", after=lambda message: b"From: eve@example.com\r\n" + message),
    Broken("a second From above, From listed twice", "fail", {"h": "from:from:to:subject"}, after=lambda message: b"From: eve@example.com\r\n" + message),
    Broken("a second Subject below", "fail", after=lambda message: message.replace(b"\r\nDate", b"\r\nSubject: Evil\r\nDate")),
    Broken("a listed field was added", "fail", {"h": "from:to:subject:cc"}, after=lambda message: b"Cc: eve@example.com\r\n" + message),
    Broken("a signed field was removed", "fail", after=lambda message: message.replace(b"Subject: Offer\r\n", b"")),
    Broken("two fields changed places", "pass", after=lambda message: message.replace(b"To: Bob <bob@abc.com>\r\nSubject: Offer\r\n", b"Subject: Offer\r\nTo: Bob <bob@abc.com>\r\n")),
    # c=
    Broken("c= missing", "pass", {"c": None}, header_kind="simple"),
    Broken("c=relaxed", "pass", {"c": "relaxed"}),
    Broken("c=simple", "pass", {"c": "simple"}, header_kind="simple"),
    Broken("c=nowsp", "permerror", {"c": "nowsp"}),
    Broken("c=relaxed/nowsp", "permerror", {"c": "relaxed/nowsp"}),
    Broken("c= empty", "permerror", {"c": ""}),
    Broken("c= with a bare slash", "permerror", {"c": "relaxed/"}),
    Broken("c=Relaxed/Relaxed", "permerror", {"c": "Relaxed/Relaxed"}),
    Broken("c= with spaces", "permerror", {"c": "relaxed / relaxed"}),
    Broken("c= with three parts", "permerror", {"c": "relaxed/relaxed/relaxed"}),
    # i=
    Broken("i= of the domain", "pass", {"i": "@mydomain.com"}),
    Broken("i= with a local part", "pass", {"i": "ann@mydomain.com"}),
    Broken("i= below d=", "pass", {"i": "ann@news.mydomain.com"}),
    Broken("i= in upper case", "pass", {"i": "Ann@MYDOMAIN.com"}),
    Broken("i= quoted-printable", "pass", {"i": "a=3Db=20c@mydomain.com"}),
    Broken("i= of another domain", "permerror", {"i": "ann@example.com"}),
    Broken("i= that ends alike", "permerror", {"i": "@notmydomain.com"}),
    Broken("i= above d=", "permerror", {"i": "@com"}),
    Broken("i= without an at", "permerror", {"i": "mydomain.com"}),
    Broken("i= empty", "permerror", {"i": ""}),
    # l=
    Broken("l= of the whole", "pass", {"l": str(len(BODY))}),
    Broken("l= and more behind", "pass", {"l": str(len(BODY))}, after=lambda message: message + b"Buy this!\r\n"),
    Broken("l=0", "pass", {"l": "0"}),
    Broken("l= with zeros in front", "pass", {"l": f"000{len(BODY)}"}),
    Broken("l= and the signed part changed", "fail", {"l": "10"}, after=lambda message: message.replace(b"The offer", b"Thy offer")),
    Broken("l= over the body", "fail", {"l": str(len(BODY) + 1)}),
    Broken("l= negative", "permerror", {"l": "-1"}),
    Broken("l= is no number", "permerror", {"l": "12x"}),
    Broken("l= empty", "permerror", {"l": ""}),
    Broken("l= of 80 digits", "permerror", {"l": "9" * 80}),
    # t=, x=
    Broken("t= missing", "pass", {"t": None}),
    Broken("t= is no number", "permerror", {"t": "now"}),
    Broken("t= empty", "permerror", {"t": ""}),
    Broken("x= in the future", "pass", {"x": str(NOW + 86400)}),
    Broken("x= past", "fail", {"t": str(NOW - 200_000), "x": str(NOW - 100_000)}),
    Broken("x= past at --now", "fail", {"x": str(NOW + 86400)}, options=("--now", str(NOW + 86401))),
    Broken("x= not yet past at --now", "pass", {"t": str(NOW - 200_000), "x": str(NOW - 100_000)}, options=("--now", str(NOW - 100_000))),
    Broken("x= before t=", "permerror", {"x": str(NOW - 120)}),
    Broken("x= the same as t=", "permerror", {"t": str(NOW + 60), "x": str(NOW + 60)}),
    Broken("x= is no number", "permerror", {"x": "never"}),
    Broken("x= empty", "permerror", {"x": ""}),
    # q=
    Broken("q=dns/txt", "pass", {"q": "dns/txt"}),
    Broken("q= among others", "pass", {"q": "http/json : dns/txt"}),
    Broken("q= of another kind", "permerror", {"q": "http"}),
    # the tag list
    Broken("an unknown tag", "pass", {"zz": "what ever = it is"}),
    Broken("an unknown tag without a value", "pass", {"zz": ""}),
    Broken("z= with copied fields", "pass", {"z": "From:Ann=20<ann@mydomain.com>|\r\n\tSubject:Offer"}),
    Broken("a final semicolon", "pass", text=lambda text: text + ";"),
    Broken("a final semicolon and white space", "pass", text=lambda text: text + " ; \r\n\t"),
    Broken("white space in every place", "pass", text=lambda text: text.replace("; ", " \t;\r\n\t ").replace("v=", "v =\r\n ").replace("a=", "a = ").replace("b={b}", "b\t=\t{b}")),
    Broken("no white space at all", "pass", text=lambda text: text.replace(" ", "")),
    Broken("begins on the next line", "pass", text=lambda text: "\r\n\t" + text),
    Broken("an empty tag at the end", "permerror", text=lambda text: text + ";;"),
    Broken("an empty tag in front", "permerror", text=lambda text: ";" + text),
    Broken("a tag without =", "permerror", text=lambda text: text + "; zz"),
    Broken("a tag without a name", "permerror", text=lambda text: text + "; =1"),
    Broken("a tag's name with a hyphen", "permerror", {"z-z": "1"}),
    Broken("a tag's name in upper case", "permerror", text=changed(" v=", " V=")),
    Broken("v= twice", "permerror", text=lambda text: text + "; v=1"),
    Broken("d= twice", "permerror", text=lambda text: text + "; d=example.com"),
    Broken("an unknown tag twice", "permerror", text=lambda text: text + "; zz=1; zz=2"),
    Broken("8-bit octets in a tag", "permerror", {"zz": "\xe4\xf6"}),
    Broken("a bare CR in a tag", "permerror", {"zz": "a\rb"}),
    Broken("a control character in a tag", "permerror", {"zz": "a\x01b"}),
    Broken("an empty field", "permerror", text=lambda text: ""),
    Broken("text that is no tag list", "permerror", text=lambda text: " hello"),
    Broken("the field's name in lower case", "pass", field=lambda field: field.replace(b"DKIM-S", b"dkim-s")),
    Broken("white space before the colon", "pass", field=lambda field: field.replace(b":", b" \t:", 1)),
    Broken("a space before the colon of a signed field", "pass", after=lambda message: message.replace(b"Subject:", b"Subject :")),
    Broken("h= names DKIM-Signature, there is an older one", "pass", {"h": "from:to:subject:dkim-signature"}, message=OLDER + MESSAGE,
           names=(b"from", b"to", b"subject", b"dkim-signature")),
    Broken("h= names DKIM-Signature, there is no other", "pass", {"h": "from:to:subject:dkim-signature"}),
    # the message
    Broken("no From", "permerror", message=MESSAGE.replace(b"From: Ann <ann@mydomain.com>\r\n", b"")),
    Broken("a line of mbox in front", "pass", field=lambda field: b"From ann@mydomain.com Tue Nov 24 10:00:00 2026\r\n" + field),
    Broken("a header without a body", "pass", message=HEADER + b"\r\n\r\n"),
    Broken("a header without its empty line", "pass", message=HEADER + b"\r\n"),
    Broken("a header of 1 MiB", "permerror", after=lambda message: b"X-Long: " + b"x" * 1_048_576 + b"\r\n" + message),
]

RECORDS = [
    Broken("record: p= alone", "pass", record="p={key}"),
    Broken("record: without v=", "pass", record="k=rsa; p={key}"),
    Broken("record: without k=", "pass", record="v=DKIM1; p={key}"),
    Broken("record: p= first, without v=", "pass", record="p={key}; k=rsa"),
    Broken("record: white space everywhere", "pass", record=" v = DKIM1 ;\tk = rsa ; p = {key} ; "),
    Broken("record: no white space", "pass", record="v=DKIM1;k=rsa;p={key};"),
    Broken("record: v= not first", "permerror", record="k=rsa; v=DKIM1; p={key}"),
    Broken("record: v=DKIM2", "permerror", record="v=DKIM2; k=rsa; p={key}"),
    Broken("record: v=dkim1", "permerror", record="v=dkim1; k=rsa; p={key}"),
    Broken("record: p= empty: revoked", "permerror", record="v=DKIM1; k=rsa; p="),
    Broken("record: p= empty, with a note", "permerror", record="v=DKIM1; p=; n=revoked"),
    Broken("record: p= missing", "permerror", record="v=DKIM1; k=rsa"),
    Broken("record: p= is no base64", "permerror", record="v=DKIM1; k=rsa; p=???"),
    Broken("record: p= is no key", "permerror", record="v=DKIM1; k=rsa; p=AAAA"),
    Broken("record: p= cut off", "permerror", record="v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"),
    Broken("record: p= of another key", "fail", record="v=DKIM1; k=rsa; p={other}"),
    Broken("record: p= with white space", "pass", record="v=DKIM1; k=rsa; p= {key with spaces} "),
    Broken("record: p= without padding", "pass", {"a": "ed25519-sha256"}, record="v=DKIM1; k=ed25519; p={key without padding}", key="ed"),
    Broken("record: p= of Ed25519 as SubjectPublicKeyInfo", "permerror", {"a": "ed25519-sha256"}, record="v=DKIM1; k=ed25519; p=MCowBQYDK2VwAyEA{key}", key="ed"),
    Broken("record: p= of Ed25519, too short", "permerror", {"a": "ed25519-sha256"}, record="v=DKIM1; k=ed25519; p=AAAA", key="ed"),
    Broken("record: 900 octets", "pass", record="v=DKIM1; n=" + "note " * 100 + "; k=rsa; p={key}"),
    Broken("record: k=dsa", "permerror", record="v=DKIM1; k=dsa; p={key}"),
    Broken("record: k=RSA", "permerror", record="v=DKIM1; k=RSA; p={key}"),
    Broken("record: k=ed25519 for an RSA signature", "permerror", record="v=DKIM1; k=ed25519; p={key}"),
    Broken("record: k= missing for Ed25519", "permerror", {"a": "ed25519-sha256"}, record="v=DKIM1; p={key}", key="ed"),
    Broken("record: h=sha256", "pass", record="v=DKIM1; h=sha256; p={key}"),
    Broken("record: h= among others", "pass", record="v=DKIM1; h=sha1 : sha256; p={key}"),
    Broken("record: h= with an unknown hash", "pass", record="v=DKIM1; h=sha3:sha256; p={key}"),
    Broken("record: h=sha1", "permerror", record="v=DKIM1; h=sha1; p={key}"),
    Broken("record: s=*", "pass", record="v=DKIM1; s=*; p={key}"),
    Broken("record: s=email", "pass", record="v=DKIM1; s=email; p={key}"),
    Broken("record: s= among others", "pass", record="v=DKIM1; s=chat : email; p={key}"),
    Broken("record: s=chat", "permerror", record="v=DKIM1; s=chat; p={key}"),
    Broken("record: t=y", "pass", record="v=DKIM1; t=y; p={key}"),
    Broken("record: t=y does not save what is wrong", "fail", {"bh": "A" * 43 + "="}, record="v=DKIM1; t=y; p={key}"),
    Broken("record: t=s, i= is d=", "pass", {"i": "ann@MyDomain.com"}, record="v=DKIM1; t=s; p={key}"),
    Broken("record: t=s, no i=", "pass", record="v=DKIM1; t=s; p={key}"),
    Broken("record: t=s, i= below d=", "permerror", {"i": "@news.mydomain.com"}, record="v=DKIM1; t=s; p={key}"),
    Broken("record: t=y:s, i= below d=", "permerror", {"i": "@news.mydomain.com"}, record="v=DKIM1; t=y : s; p={key}"),
    Broken("record: t= with an unknown flag", "pass", {"i": "@news.mydomain.com"}, record="v=DKIM1; t=n:z; p={key}"),
    Broken("record: n= with notes", "pass", record="v=DKIM1; n=made in May, see=20the wiki; p={key}"),
    Broken("record: g= of RFC 4871", "pass", record="v=DKIM1; g=*; k=rsa; p={key}"),
    Broken("record: g= of RFC 4871 for somebody else", "pass", record="v=DKIM1; g=bob; k=rsa; p={key}"),
    Broken("record: an unknown tag", "pass", record="v=DKIM1; zz=1; p={key}"),
    Broken("record: p= twice", "permerror", record="v=DKIM1; p={key}; p={key}"),
    Broken("record: an unknown tag twice", "permerror", record="v=DKIM1; zz=1; zz=2; p={key}"),
    Broken("record: escaped semicolons", "permerror", record="v=DKIM1\\; k=rsa\\; p={key}"),
    Broken("record: quotes left in", "permerror", record='"v=DKIM1; k=rsa; p={key}"'),
    Broken("record: 8-bit octets", "permerror", record="v=DKIM1; n=f\xfcr uns; p={key}"),
    Broken("record: behind an alias", "pass"),
    Broken("record: no such name", "permerror", record=None),
    Broken("record: the name server fails", "temperror", record="servfail"),
    Broken("record: no record at the name", "permerror", record=[]),
    Broken("record: another TXT record beside it", "pass", record=["v=spf1 -all", "v=DKIM1; k=rsa; p={key}"]),
    Broken("record: two key records", "permerror", record=["v=DKIM1; k=rsa; p={key}", "v=DKIM1; k=rsa; p="]),
    Broken("record: an empty record", "permerror", record=[""]),
    Broken("record: RSA of 512 bits", "permerror", key="short"),
    Broken("record: RSA of 1,024 bits", "pass", key="long enough"),
]


# Who else judges otherwise, why, and where. Another version of it may have learnt better.
MISSING = ["h= with an empty name", "h= ends in a colon"]
LISTS = ["8-bit octets in a tag", "a control character in a tag", "a tag's name with a hyphen"]
DIFFERENCES = [
    ("OpenDKIM", "reads tag lists with patience (RFC 6376 6.1.1 forbids it)", MISSING + LISTS + [
        "a tag without =", "a tag without a name", "an empty tag at the end", "an unknown tag twice", "v= twice", "b= with something behind its padding",
        "c= with spaces", "d= with a space", "record: an unknown tag twice", "record: p= twice", "record: v= not first"]),
    ("OpenDKIM", "takes a=, c= and k= in any case", ["a=RSA-SHA256", "c=Relaxed/Relaxed", "record: k=RSA"]),
    ("OpenDKIM", "asks no questions of q=", ["q= of another kind"]),
    ("OpenDKIM", "uses the key whatever k= says", ["record: k= missing for Ed25519", "record: k=ed25519 for an RSA signature"]),
    ("OpenDKIM", "looks for b= without white space", ["white space in every place"]),
    ("OpenDKIM", "sees no signature there", ["white space before the colon"]),
    ("dkimpy", "reads tag lists with patience (RFC 6376 6.1.1 forbids it)", MISSING + LISTS + [
        "a bare CR in a tag", "d= with a final dot", "record: 8-bit octets", "record: v= not first", "x= before t=", "x= the same as t="]),
    ("dkimpy", "does not take the white space around b= away", ["a final semicolon and white space", "b= in the middle, folded"]),
    ("dkimpy", "wants the padding of base64 (RFC 6376's grammar does not)", ["b= without padding", "record: p= without padding"]),
    ("dkimpy", "looks for one From more than h= says", ["a second From above, From signed once"]),
    ("dkimpy", "knows no white space before a colon", ["a space before the colon of a signed field", "white space before the colon"]),
    ("dkimpy", "does not compare a= with the key", ["a= for a key of another type"]),
    ("dkimpy", "does not ask for From in h=", ["h= without From"]),
    ("dkimpy", "knows no lists in q= and s=", ["q= among others", "record: s= among others"]),
    ("dkimpy", "does not look at h= and t= of the record", ["record: h=sha1", "record: t=s, i= below d=", "record: t=y:s, i= below d="]),
    ("Mail::DKIM", "reads tag lists with patience (RFC 6376 6.1.1 forbids it)", MISSING + LISTS + [
        "a bare CR in a tag", "a tag without a name", "a tag's name in upper case", "an empty tag at the end", "an empty tag in front", "an unknown tag twice",
        "v= twice", "v= missing", "v= empty", "bh= missing", "bh= empty", "b= with something behind its padding", "l= empty", "l= of 80 digits", "t= empty",
        "t= is no number", "x= the same as t=", "record: 8-bit octets", "record: an unknown tag twice", "record: p= twice", "record: escaped semicolons",
        "record: quotes left in", "record: v= not first"]),
    ("Mail::DKIM", "takes a= and c= in any case", ["a=RSA-SHA256", "c=Relaxed/Relaxed"]),
    ("Mail::DKIM", "had no Ed25519 before 2023", ["Ed25519", "record: p= without padding"]),
    ("Mail::DKIM", "does not ask for From in h=", ["h= without From"]),
    ("Mail::DKIM", "takes l=0 for no l=", ["l=0"]),
    ("Mail::DKIM", "knows no lists in q=, h= and s=", ["q= among others", "record: h= among others", "record: s= among others"]),
    ("Mail::DKIM", "misses s among several flags of t=", ["record: t=y:s, i= below d="]),
    ("Mail::DKIM", "still minds g= of RFC 4871", ["record: g= of RFC 4871 for somebody else"]),
    ("Mail::DKIM", "knows no white space before its own colon", ["white space before the colon"]),
    ("Mail::DKIM", "takes RSA of 512 bits (RFC 8301 forbids it)", ["record: RSA of 512 bits"]),
] + [(who, reason, cases) for reason, cases, names in [
    ("still takes SHA-1 (RFC 8301 forbids it)", ["a=rsa-sha1"], ["OpenDKIM", "dkimpy", "Mail::DKIM"]),
    ("signs and reads itself for DKIM-Signature in h= (RFC 6376 3.5 forbids it)", ["h= names DKIM-Signature, there is no other"], ["OpenDKIM", "dkimpy", "Mail::DKIM"]),
    ("judges mail without From (RFC 5322 3.6 wants one)", ["no From"], ["OpenDKIM", "dkimpy", "Mail::DKIM"]),
    ("has no bound for a header", ["a header of 1 MiB"], ["OpenDKIM", "dkimpy", "Mail::DKIM"]),
    ("does not mind a body shorter than l= (RFC 6376 3.5 forbids it)", ["l= over the body"], ["dkimpy", "Mail::DKIM"]),
] for who in names]


def differs(who, case):
    """Why it may judge otherwise, or nothing."""
    return next((reason for name, reason, cases in DIFFERENCES if name == who and case.name in cases), None)
