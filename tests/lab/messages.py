"""The hundred messages of the lab, as bytes with CR LF. What varies is what signing, dot-stuffing and storing could get wrong."""
import base64
import dataclasses
import random

SIGNED = {"mydomain.com": {("us", "rsa-sha256"), ("ed", "ed25519-sha256")}, "netstarmacau.com": {("us", "rsa-sha256")}}
CHINESE = "您好！附件是本月的报价单，请查收。海外客户拒收的问题已经解决。\r\n此致\r\n敬礼\r\n"
LOREM = "The ferry leaves at dawn and comes back when the tide allows, carrying what it was given and nothing else.\r\n"


@dataclasses.dataclass
class Message:
    number: int
    name: str
    domain: str          # of the From: field
    sender: str          # reverse-path; "" is the null one
    recipients: list
    data: bytes
    signatures: set      # of (domain, selector, algorithm) that it must arrive with


def field(name, value):
    return f"{name}: {value}\r\n"


def common(mail, subject="Offer"):
    """The fields that most messages begin with."""
    return (field("From", mail["from"]) + field("To", f"Bob <{mail['to']}>") + field("Subject", f"{subject} {mail['number']}") +
            field("Date", "Tue, 24 Nov 2026 10:00:00 +0800") + field("Message-ID", f"<{mail['number']}.lab@{mail['domain']}>") +
            field("MIME-Version", "1.0"))


def text(mail, body, content_type="text/plain; charset=utf-8", encoding="8bit", charset="utf-8"):
    head = common(mail) + field("Content-Type", content_type) + field("Content-Transfer-Encoding", encoding)
    return head.encode(charset) + b"\r\n" + (body if isinstance(body, bytes) else body.encode(charset))


def plain(mail): return text(mail, LOREM * 3, encoding="7bit")
def empty_body(mail): return text(mail, "")
def blank_lines_only(mail): return text(mail, "\r\n\r\n\r\n")
def blank_lines_at_end(mail): return text(mail, LOREM + "\r\n" * 7)
def no_final_newline(mail): return text(mail, LOREM + "the end without a newline")
def dot_lines(mail): return text(mail, ".\r\n..\r\n...\r\n.leading dot\r\n..two\r\n. \r\nmiddle . dot\r\n\r\n.\r\n\r\n.")
def dots_and_commands(mail): return text(mail, "QUIT\r\nRSET\r\n.\r\nMAIL FROM:<evil@example.com>\r\n.QUIT\r\n.\r\n")
def from_lines(mail): return text(mail, "From here on it is text.\r\n>From before\r\n\r\nFrom a@b Tue Nov 24\r\n")
def trailing_space(mail): return text(mail, "two spaces  \r\ntab\t\r\n \r\n\t\r\nmixed \t \r\nlast line with spaces   \r\n   \r\n\r\n")
def runs_of_space(mail): return text(mail, "a  b\t\tc \t d\r\n\tindented\r\n   indented\r\n\x0b\x0c form feed\r\n")
def utf8_body(mail): return text(mail, CHINESE * 5)
def gbk_body(mail): return text(mail, CHINESE * 5, "text/plain; charset=gbk", charset="gbk")
def big5_body(mail): return text(mail, "澳門的客戶收到了我們的郵件。\r\n" * 9, "text/plain; charset=big5", charset="big5")
def high_bytes(mail): return text(mail, b"\r\n".join(bytes(range(low, low + 32)) for low in range(128, 256, 32)) + b"\r\n\x01\x02\x07\x1b\x7f\r\n")
def long_lines(mail): return text(mail, ("x" * 998 + "\r\n") * 20 + "." + "y" * 997 + "\r\n")
def large_text(mail): return text(mail, LOREM * 3300)
def html(mail): return text(mail, "<html><body>" + "<p style='color:#333'>Angebot für Möbel</p>" * 20 + "</body></html>\r\n", "text/html; charset=utf-8")


def header_only(mail):
    return common(mail).encode()


def no_date_no_id(mail):
    return (field("From", mail["from"]) + field("To", mail["to"]) + field("Subject", "bare")).encode() + b"\r\nshort\r\n"


def gbk_header(mail):
    head = common(mail) + field("X-Company", "上海贸易公司") + field("Keywords", "报价单\r\n 海运") + field("Content-Type", "text/plain; charset=gbk")
    return head.replace("Offer", "报价单").encode("gbk") + b"\r\n" + CHINESE.encode("gbk")


def utf8_header(mail):
    head = common(mail, "您好，报价单") + field("Comments", "Zürich – 東京") + field("Content-Type", "text/plain; charset=utf-8")
    return head.encode() + b"\r\n" + CHINESE.encode()


def encoded_words(mail):
    words = "".join(f"\r\n =?gb2312?B?{base64.b64encode(part.encode('gb2312')).decode()}?=" for part in ("关于报价单", "以及付款方式", "的说明"))
    return (common(mail).replace("Subject: Offer", f"Subject:{words}") + field("Content-Type", "text/plain")).encode() + b"\r\ntext\r\n"


def folded(mail):
    head = common(mail).replace("Subject: ", "Subject:\r\n\t folded   at\r\n  once  \t").replace("From: ", "From:\r\n ")
    return head.encode() + b"X-Tabs:\ta\tb\r\n\tc\r\n  d \r\nX-Trailing: space at the end   \r\n\r\nfolded header\r\n"


def odd_names(mail):
    head = common(mail).replace("Subject: ", "sUBJECT:").replace("From: ", "FROM:  ").replace("Date: ", "date:")
    return head.encode() + b"X-Empty:\r\nX-Blank: \r\nX-Colons: a:b:c\r\nx-empty:\r\n\r\nodd names\r\n"


def long_header(mail):
    references = "\r\n ".join(f"<{n:04d}.{'r' * 40}@{mail['domain']}>" for n in range(250))
    return (common(mail) + field("References", references)).encode() + b"\r\nlong header\r\n"


def long_header_line(mail):
    return (common(mail) + field("X-Long", "z" * 990)).encode() + b"\r\nheader line of 998 octets\r\n"


def many_in_to(mail):
    people = ",\r\n\t".join(f'"Customer, No. {n}" <customer{n}@abc.com>' for n in range(200))
    return common(mail).replace("To: ", f"To: {people},\r\n\t").encode() + b"\r\nmany addressees\r\n"


def from_with_comment(mail):
    quoted = mail["from"].replace("<", "(head office) <")
    return common(mail).replace(f"From: {mail['from']}", f'From: "Boss \\"The\\", Big" {quoted[quoted.index("(head"):]}').encode() + b"\r\nquoted\r\n"


def traced(mail):
    trace = "".join(field("Received", f"from host{n}.example (host{n}.example [198.51.100.{n}])\r\n\tby relay.example; Tue, 24 Nov 2026 09:00:{n:02d} +0000")
                    for n in range(10))
    return (trace + common(mail) + field("Resent-From", mail["from"]) + field("Sender", mail["from"])).encode() + b"\r\ntraced\r\n"


def signed_elsewhere(mail):
    """A mailing list's signature, spoilt long ago: it stays as it is and fails."""
    other = ("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=elsewhere.example;\r\n\ts=list; h=From:To:Subject; bh=" +
             base64.b64encode(b"x" * 32).decode() + ";\r\n\tb=" + base64.b64encode(b"y" * 128).decode() + "\r\n")
    return (other + common(mail)).encode() + b"\r\nsigned before\r\n"


def list_mail(mail):
    head = common(mail) + field("List-Id", "<news.mydomain.com>") + field("List-Unsubscribe", "<mailto:off@mydomain.com>")
    return (head + field("Precedence", "bulk") + field("Auto-Submitted", "auto-generated")).encode() + b"\r\nnews\r\n"


def multipart(mail, kind, parts):
    head = common(mail) + field("Content-Type", f'multipart/{kind};\r\n\tboundary="=_part"')
    body = b"preamble\r\n" + b"".join(b"--=_part\r\n" + part + b"\r\n" for part in parts) + b"--=_part--\r\nepilogue\r\n"
    return head.encode() + b"\r\n" + body


def alternative(mail):
    return multipart(mail, "alternative", [b"Content-Type: text/plain; charset=gbk\r\n\r\n" + CHINESE.encode("gbk"),
                                           b"Content-Type: text/html; charset=utf-8\r\n\r\n<b>" + CHINESE.encode() + b"</b>"])


def attached_message(mail):
    return multipart(mail, "mixed", [b"Content-Type: message/rfc822\r\n\r\n" + utf8_body(mail)])


def quoted_printable(mail):
    return text(mail, "=E6=82=A8=E5=A5=BD soft line =\r\nbreak =20\r\n=2E\r\n", encoding="quoted-printable")


def attachment(mail, size=100_000):
    content = random.Random(mail["number"]).randbytes(size)
    return multipart(mail, "mixed", [b"Content-Type: text/plain\r\n\r\nsee the file", b"Content-Type: application/pdf\r\nContent-Disposition: attachment;\r\n"
                                     b" filename=\"offer.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content).replace(b"\n", b"\r\n")])


def attachment_of_5_mib(mail): return attachment(mail, 5 * 1024 * 1024)
def to_many_recipients(mail): return plain(mail)
def null_reverse_path(mail): return plain(mail)


KINDS = [plain, empty_body, blank_lines_only, blank_lines_at_end, no_final_newline, dot_lines, dots_and_commands, from_lines, trailing_space,
         runs_of_space, utf8_body, gbk_body, big5_body, high_bytes, long_lines, large_text, html, header_only,
         no_date_no_id, gbk_header, utf8_header, encoded_words, folded, odd_names, long_header, long_header_line, many_in_to, from_with_comment,
         traced, signed_elsewhere, list_mail, alternative, attached_message, quoted_printable, attachment, to_many_recipients, null_reverse_path]
FROM = ["The Boss <boss@mydomain.com>", "Sales <sales@netstarmacau.com>", "News <news+offer@mydomain.com>", "Sales <sales@NetStarMacau.com>"]
STRANGERS = ["Else <someone@other.example>", "Sub <news@sub.mydomain.com>", "Alike <boss@notmydomain.com>"]


def message(number, kind, sender):
    address = sender[sender.index("<") + 1:-1]
    domain = address.split("@")[1].lower()
    recipient = f"m{number:03d}@abc.com"
    mail = {"number": number, "from": sender, "to": recipient, "domain": domain}
    recipients = [f"m{number:03d}-{n}@abc.com" for n in range(40)] if kind is to_many_recipients else [recipient]
    data = kind(mail)
    if not data.endswith(b"\r\n"):
        data += b"\r\n"  # as every client must: the last line goes out with its end
    expected = {(domain, selector, algorithm) for selector, algorithm in SIGNED.get(domain, ())}
    return Message(number, f"{number:03d} {kind.__name__} {domain}", domain, "" if kind is null_reverse_path else address, recipients, data, expected)


def hundred():
    """Every kind from two of our senders at least, strangers in between, and one with a large attachment."""
    made = [message(number, KINDS[number % len(KINDS)], FROM[(number + number // len(KINDS)) % len(FROM)]) for number in range(93)]
    made += [message(93 + n, KINDS[n * 11], STRANGERS[n % len(STRANGERS)]) for n in range(4)]
    made += [message(97 + n, attachment_of_5_mib if n == 0 else alternative, FROM[n]) for n in range(3)]
    return made


def one_mail(recipients, subject):
    """A short message of the boss."""
    data = f"From: boss@mydomain.com\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\n{subject}\r\n".encode()
    return Message(0, subject, "mydomain.com", "boss@mydomain.com", recipients, data, set())
