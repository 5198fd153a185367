"""The messages of the cross-check, as bytes with CR LF: every header with every body, and some that a seed made up. What varies is
what one implementation of RFC 6376 might canonicalize, split or count otherwise than the next."""
import base64
import random

LOREM = b"The ferry leaves at dawn and comes back when the tide allows, carrying what it was given.\r\n"
CHINESE = "您好！附件是本月的报价单，请查收。海外客户拒收的问题已经解决。"

FROM = b"From: Ann <ann@mydomain.com>\r\n"
TO = b"To: Bob <bob@abc.com>\r\n"
SUBJECT = b"Subject: Offer\r\n"
DATE = b"Date: Tue, 24 Nov 2026 10:00:00 +0800\r\n"
MESSAGE_ID = b"Message-ID: <1.cross@mydomain.com>\r\n"
MIME = b"MIME-Version: 1.0\r\n"
REST = TO + SUBJECT + DATE + MESSAGE_ID
PLAIN = FROM + REST


def with_subject(subject):
    return FROM + TO + subject + DATE + MESSAGE_ID


ELSEWHERE = (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=elsewhere.example;\r\n\ts=list; h=From:To:Subject; bh=" +
             base64.b64encode(b"x" * 32) + b";\r\n\tb=" + base64.b64encode(b"y" * 128) + b"\r\n")

# Without the empty line that ends a header.
HEADERS = {
    "plain": PLAIN,
    "only From": FROM,
    "From last": REST + FROM,
    "folded everywhere": (b"From:\r\n Ann\r\n\t<ann@mydomain.com>\r\nTo:\r\n\tBob\r\n \t <bob@abc.com>\r\nSubject:\r\n a\r\n  b\r\n\tc\r\n\t\td\r\n"
                          b"Date:\r\n Tue,\r\n 24 Nov 2026\r\n 10:00:00 +0800\r\n"),
    "value on the next line": b"From:\r\n ann@mydomain.com\r\nTo:\r\n\tbob@abc.com\r\nSubject:\r\n Offer\r\nMessage-ID:\r\n <1.cross@mydomain.com>\r\n",
    "empty values": with_subject(b"Subject:\r\n") + b"Comments: \r\nKeywords:\t\r\nReply-To:\r\nCc:   \t \r\n",
    "a fold and nothing": with_subject(b"Subject:\r\n \r\n") + b"Comments: a\r\n\t\r\n",
    "blank line inside a fold": with_subject(b"Subject: a\r\n \r\n\t\r\n b\r\n"),
    "trailing white space": b"From: ann@mydomain.com  \r\nTo: bob@abc.com\t\r\nSubject: Offer \t \r\nDate: Tue, 24 Nov 2026 10:00:00 +0800 \r\n \r\n",
    "white space before the value": with_subject(b"Subject:   \t Offer\r\n") + b"Cc:\t\tcy@abc.com\r\nReply-To:no@mydomain.com\r\n",
    "runs of white space": with_subject(b"Subject: a  b\t\tc \t d\t \te\r\n") + b"Comments: x  \r\n  y\t\r\n\tz\r\n",
    "odd case": b"FROM: ann@mydomain.com\r\ntO: bob@abc.com\r\nsUBJECT: Offer\r\nDATE: Tue, 24 Nov 2026 10:00:00 +0800\r\nmessage-id: <1@mydomain.com>\r\n",
    "the same name often": PLAIN + b"".join(b"Comments: %d\r\n" % n for n in range(7)) + b"Keywords: a\r\nkeywords: b\r\nKEYWORDS: a\r\nCc: 1@abc.com\r\nCC: 2@abc.com\r\n",
    "the same line twice": PLAIN + b"Comments: same\r\nComments: same\r\nReply-To: a@b.com\r\nReply-To: a@b.com\r\n",
    "colons and semicolons": with_subject(b"Subject: :a:b; c=d; bh=x; b=y;:\r\n") + b"Comments::\r\nKeywords:;\r\nReply-To: a@b.com:25\r\n",
    "names with signs": PLAIN + b"X-!#$%&'*+-/=?^_`{|}~: x\r\nX_Y: 1\r\n1234: 5\r\nX.Y: z\r\n",
    "UTF-8": with_subject(b"Subject: " + CHINESE.encode() + b"\r\n") + "Comments: Zürich – 東京 \u00a0\u3000\r\n".encode(),
    "GBK": with_subject(b"Subject: " + CHINESE.encode("gbk") + b"\r\n") + "Comments: 上海\r\n 海运\r\n".encode("gbk"),
    "octets 128-255": with_subject(b"Subject: " + bytes(range(128, 256)) + b"\r\n") + b"Comments: \x85\xa0 \x85 \xa0\r\n",
    "control characters": with_subject(b"Subject: a\x01\x02\x07b\x08\x0ec\x1b[31m\x7f\r\n"),
    "vertical tab and form feed": with_subject(b"Subject: a\x0b b\x0c c \x0b\x0c\r\n") + b"Comments: \x0b\r\nKeywords: x \x0c \r\n",
    "bare CR": with_subject(b"Subject: a\rb \r c\r\n"),
    "encoded words": with_subject(b"Subject: " + b"\r\n ".join(b"=?gb2312?B?" + base64.b64encode(w.encode("gb2312")) + b"?=" for w in ("关于", "报价单", "的说明")) + b"\r\n"),
    "line of 998": with_subject(b"Subject: " + b"z" * 989 + b"\r\n"),
    "line of 20,000": with_subject(b"Subject: " + b"long " * 4000 + b"\r\n"),
    "References of 10 KB": PLAIN + b"References: " + b"\r\n ".join(b"<%04d.%s@mydomain.com>" % (n, b"r" * 40) for n in range(180)) + b"\r\n",
    "200 fields": PLAIN + b"".join(b"X-Field-%d: %d\r\n" % (n % 50, n) for n in range(200)),
    "many addressees": PLAIN.replace(b"To: ", b"To: " + b",\r\n\t".join(b'"Customer, No. %d" <c%d@abc.com>' % (n, n) for n in range(100)) + b",\r\n\t"),
    "quotes and comments": PLAIN.replace(b"Ann <", b'"Ann \\"The Boss\\", Big" (head (office)) <'),
    "traced": b"".join(b"Received: from h%d.example\r\n\tby relay.example; Tue, 24 Nov 2026 09:00:%02d +0000\r\n" % (n, n) for n in range(6)) + PLAIN,
    "resent": b"Resent-From: cy@mydomain.com\r\nResent-Date: Tue, 24 Nov 2026 11:00:00 +0800\r\nResent-To: dora@abc.com\r\n" + PLAIN,
    "list mail": PLAIN + (b"List-Id: <news.mydomain.com>\r\nList-Unsubscribe: <mailto:off@mydomain.com>,\r\n\t<https://mydomain.com/off?u=1&v=2>\r\n"
                          b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n"),
    "signed elsewhere": ELSEWHERE + PLAIN,
    "fields like signatures": PLAIN + b"X-DKIM-Signature: v=1; a=rsa-sha256; b=abc\r\nDKIM: x\r\nDKIM-Signature-X: b=\r\n",
}


def multipart(boundary, kind=b"mixed", end=b""):
    """Parts within an unusual boundary, the lines that look like it among them."""
    quoted = b'"' + boundary + b'"'
    return (b"--" + boundary + b"\r\nContent-Type: multipart/" + kind + b"; boundary=" + quoted + b"\r\n\r\n--" + boundary + b" \r\n\r\none\r\n--" + boundary +
            b"x\r\n--" + boundary + b"\t \r\nContent-Type: text/html\r\n\r\n<b>two</b>\r\n-- \r\n--" + boundary + b"--" + end)


BODIES = {
    "text": LOREM * 3,
    "nothing": b"",
    "one line end": b"\r\n",
    "line ends only": b"\r\n" * 9,
    "one octet": b"x",
    "one space": b" ",
    "white space only": b" \t \r\n\t\r\n  \r\n",
    "white space only, no line end": b"\r\n \t ",
    "blank lines at the end": LOREM + b"\r\n" * 7,
    "blank lines at the start": b"\r\n" * 5 + LOREM,
    "blank lines between": b"a\r\n\r\n\r\nb\r\n\r\nc\r\n",
    "white lines at the end": LOREM + b"  \r\n\t\r\n \t\r\n\r\n \r\n",
    "no final line end": LOREM + b"the end",
    "no final line end behind spaces": LOREM + b"the end \t ",
    "blank lines, then text without an end": b"\r\n\r\nx\r\n\r\n\r\ny",
    "trailing white space": b"two spaces  \r\ntab\t\r\nboth \t\r\n\t \r\nnone\r\nlast \r\n",
    "runs of white space": b"a  b\t\tc \t d\r\n\tindented\r\n   indented\r\n\t \t\r\n x\r\n",
    "vertical tab and form feed": b"\x0b\r\na \x0b b\r\n\x0c\x0c \r\nx \x0c\r\n",
    "dots": b".\r\n..\r\n...\r\n.dot\r\n. \r\n\r\n.\r\n",
    "From lines": b"From here on\r\n>From before\r\nFrom a@b Tue Nov 24\r\n",
    "like a header": b"Subject: not a field\r\n\tfold\r\nFrom: eve@example.com\r\n\r\nDKIM-Signature: v=1; b=x\r\n",
    "UTF-8": (CHINESE + "\r\n").encode() * 4,
    "GBK": (CHINESE + "\r\n").encode("gbk") * 4,
    "octets 128-255": b"\r\n".join(bytes(range(low, low + 32)) for low in range(128, 256, 32)) + b"\r\n",
    "octets 0-31": b"\x00\x01\x02\x03 \x00 \x04\x05\x06\x07\x08\x0e\x1b\x1f\x7f\r\n\x00\r\n\x00",
    "bare CR": b"a\rb\r\rc \r d\r\r\n\r x\r\n",
    "CR at the end": LOREM + b"\r\n\r",
    "long lines": (b"x" * 998 + b"\r\n") * 3 + (b"y z " * 5000 + b"\r\n") * 2,
    "100 KB": LOREM * 1100,
    "thousands of spaces": b"a" + b" " * 2_500 + b"b\r\n" + b"\t" * 2_500 + b"\r\n",
    "thousands of line ends": b"a" + b"\r\n" * 1_500 + b"b" + b"\r\n" * 1_500,
    "odd boundary": multipart(b"=_ '()+_,-./:=? x"),
    "boundary of dashes": multipart(b"----", b"alternative", b"\r\nepilogue\r\n\r\n"),
    "base64": base64.encodebytes(random.Random(6376).randbytes(3000)).replace(b"\n", b"\r\n"),
    "quoted-printable": b"=E6=82=A8 soft =\r\nbreak =20\r\n=2E\r\n=\r\n",
    "a message in the message": multipart(b"outer", b"digest") + b"\r\n" + ELSEWHERE + PLAIN + b"\r\n" + LOREM,
}


def field_by_chance(chance, name):
    """Words, white space and folds."""
    words = (chance.choice([b"word", b"a", b"=", b";", b":", b"b=", b'"q s"', b"(c)", b"\xe6\x82\xa8", b"x" * 70]) for _ in range(chance.randrange(12)))
    return name + b":" + b"".join(chance.choice([b"", b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t", b" \r\n  "]) + word for word in words) + chance.choice([b"", b" ", b"\t"]) + b"\r\n"


def header_by_chance(chance):
    names = [b"To", b"Subject", b"Date", b"Cc", b"Reply-To", b"Comments", b"Keywords", b"X-Chance", b"Content-Type", b"In-Reply-To", b"References"]
    fields = [field_by_chance(chance, chance.choice([name, name.lower(), name.upper()])) for name in chance.choices(names, k=chance.randrange(15))]
    fields.insert(chance.randrange(len(fields) + 1), chance.choice([FROM, b"from:  ann@mydomain.com \r\n", b"From:\r\n\t<ann@mydomain.com>\r\n"]))
    return b"".join(fields)


def body_by_chance(chance):
    pieces = [b"text", b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b"\r\n", b".", b"\xff", b"-- \r\n", b" \r\n", b"\t\r\n", b"x" * 100, b"\r"]
    return b"".join(chance.choices(pieces, k=chance.randrange(80)))


def composed():
    """(name, message): every header with every body."""
    return [(f"{head} / {body}", HEADERS[head] + b"\r\n" + BODIES[body]) for head in HEADERS for body in BODIES]


def by_chance():
    """(name, message): the same hundred each time."""
    chance = random.Random("cross")
    return [(f"by chance {n}", header_by_chance(chance) + b"\r\n" + body_by_chance(chance)) for n in range(100)]
