#!/usr/bin/env python3
"""Takes notices apart with Python's email package: check.py SAMPLES_PROGRAM. Form by RFC 3464, 6522 and 2046, and what must be in
each sample."""
import email
import email.policy
import email.utils
import pathlib
import re
import subprocess
import sys
import tempfile

ATTEMPT = "Tue, 24 Nov 2026 16:39:34 +0000"
FIELDS_OF_MESSAGE = ["Original-Envelope-Id", "Reporting-MTA", "Arrival-Date"]
FIELDS_OF_RECIPIENT = ["Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
                       "Last-Attempt-Date", "Final-Log-ID", "Will-Retry-Until"]

# Of the first recipient: all fields but those that are the same everywhere; then words that must stand in the text.
EXPECTED = {
    "user-unknown": ({
        "Original-Recipient": "rfc822; Bob+x@Example.NET", "Final-Recipient": "rfc822; bob@example.net", "Action": "failed",
        "Status": "5.1.1", "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in local table"},
        ["Your message to bob@example.net could not be delivered.", "您发给 bob@example.net 的邮件未能送达。", "报价单",
         "24 Nov 2026 12:39 UTC", "2026年11月24日 20:39（北京时间）", "User unknown in local table",
         "does not know this address", "没有这个邮箱地址", "What to do: ", "建议：", "0ORIGINAL00"]),
    "many-recipients": ({
        "Final-Recipient": "rfc822; user0@example.net", "Action": "failed", "Status": "5.2.2",
        "Remote-MTA": "dns; mx.example.net", "Diagnostic-Code": "smtp; 552 5.2.2 mailbox full"},
        ["the 70 recipients below", "以下 70 位收件人", "mailbox is full", "对方的邮箱已满", "does not exist", "and 20 more recipients",
         "另外 20 位收件人"]),
    "delayed": ({
        "Final-Recipient": "rfc822; bob@example.net", "Action": "delayed", "Status": "4.4.1", "Remote-MTA": "dns; mx.example.net",
        "Will-Retry-Until": "Sun, 29 Nov 2026 12:39:34 +0000"},
        ["has not been delivered yet", "You need not do anything", "until 29 Nov 2026 12:39 UTC", "您无需进行任何操作",
         "2026年11月29日 20:39（北京时间）", "timed out waiting for the connection"]),
    "relayed": ({
        "Final-Recipient": "rfc822; bob@example.net", "Action": "relayed", "Status": "2.0.0", "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 250 2.0.0 Ok: queued as 12345"},
        ["You asked for this notice", "您在发送时要求了这封通知", "sends no reports of its own", "put into the recipient's mailbox"]),
    "whole-message": ({
        "Final-Recipient": "rfc822; bob@example.net", "Action": "failed", "Status": "5.3.4", "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 552 5.3.4 message size exceeds 10 MB"}, ["larger than", "大小超过"]),
    "header-of-8bit": ({
        "Final-Recipient": "rfc822; bob@example.net", "Action": "failed", "Status": "4.2.2", "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 452 4.2.2 mailbox full"}, ["until the time for it was over", "超过投递期限", "Subject:  报价\n"]),
    "long-header": ({
        "Final-Recipient": "rfc822; bob@example.net", "Action": "failed", "Status": "5.7.1", "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 550 5.7.1 SPF check failed"}, ["really comes from sender.example", "relay.example.com", "SPF 记录"]),
    "hostile": ({
        "Original-Recipient": "rfc822; x  Action: delivered", "Final-Recipient": 'rfc822; "a b=?utf-8?Q?=0A?="@example.net',
        "Action": "failed", "Status": "5.7.1", "Remote-MTA": "dns; mx  Status: 2.0.0"}, ["拒收\\xff"]),
    "for-the-postmaster": ({
        "Final-Recipient": "rfc822; bob@example.net", "Action": "failed", "Status": "5.1.1", "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user"}, ["you are told as postmaster", "特此通知您"]),
    "nothing-known": ({"Final-Recipient": "rfc822; bob@[192.0.2.1]", "Action": "failed", "Status": "5.0.0"},
                      ["could not be handed over", "未能将这封邮件交给对方的邮件系统"]),
}
SUBJECTS = {
    "user-unknown": "Mail not delivered to bob@example.net / 邮件未送达",
    "many-recipients": "Mail not delivered to 70 recipients / 邮件未送达",
    "delayed": "Mail delayed to bob@example.net / 邮件投递延迟",
    "relayed": "Mail passed on to 2 recipients / 邮件已转交",
    "hostile": 'Mail not delivered to "a b=?utf-8?Q?=0A?="@example.net / 邮件未送达',
    "letter": "Mail to a paused destination expires / 暂停投递的邮件即将过期",
}

faults = []


def must(holds, what):
    if not holds:
        faults.append(what)


def check_lines(name, raw, returned):
    """`returned`: the octets of the original that are there as they came."""
    ours = raw.replace(returned, b"") if returned else raw
    must(raw.endswith(b"\r\n"), f"{name}: no line end at the end")
    must(not re.search(rb"(?<!\r)\n|\r(?!\n)", ours), f"{name}: a bare CR or LF")
    must(all(32 <= c < 127 or c in b"\r\n\t" for c in ours), f"{name}: an octet of ours that is no printable ASCII")
    for line in ours.split(b"\r\n"):
        word = max(line.split(b" "), key=len)
        must(len(line) <= 998 and (len(line) <= 78 or len(word) > 70), f"{name}: a long line {line[:100]!r}")


def check_head(name, message):
    must(message["From"] == "Mail Delivery System <MAILER-DAEMON@example.com>", f"{name}: From: {message['From']}")
    must(len(message["To"].addresses) == 1, f"{name}: To: {message['To']}")
    must(message["Message-ID"].endswith("@relay.example.com>"), f"{name}: Message-ID: {message['Message-ID']}")
    must(message["Date"].datetime is not None, f"{name}: Date: {message['Date']}")
    must(message["Auto-Submitted"] == "auto-replied", f"{name}: Auto-Submitted: {message['Auto-Submitted']}")
    must(message["MIME-Version"] == "1.0", f"{name}: MIME-Version: {message['MIME-Version']}")
    must(len(message.keys()) == len(set(map(str.lower, message.keys()))), f"{name}: a field twice: {message.keys()}")
    for unwanted in ["Bcc", "Precedence", "Return-Path", "Received"]:
        must(unwanted not in message, f"{name}: {unwanted}")
    if name in SUBJECTS:
        must(message["Subject"] == SUBJECTS[name], f"{name}: Subject: {message['Subject']!r}")


def check_part(name, part):
    """Nothing in it may be what a strict reader calls a defect."""
    must(not part.defects, f"{name}: {part.get_content_type()}: {part.defects}")
    for field, value in part.items():
        must(not value.defects, f"{name}: {field}: {value.defects}")


def check_text(name, part):
    must(part.get_content_type() == "text/plain" and part.get_content_charset() == "utf-8", f"{name}: the text is {part['Content-Type']}")
    text = part.get_content().replace("\r\n", "\n")
    english, chinese = re.split("\n_{60}\n", text)
    must(english.startswith("（中文说明在下方）\n\n") and re.search("[\u4e00-\u9fff]{4}", chinese), f"{name}: not English, then Chinese")
    for line in text.split("\n"):
        must(not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", line), f"{name}: a control character in {line!r}")
    for words in EXPECTED[name][1] if name in EXPECTED else []:
        must(words in text, f"{name}: the text does not say {words!r}")


def check_fields(name, block, known, needed):
    names = block.keys()
    must(names == [field for field in known if field in names], f"{name}: fields {names}")
    for field in needed:
        must(field in names, f"{name}: {field} is missing")
    for field in names:
        if field.endswith("-Date") or field == "Will-Retry-Until":
            must(email.utils.parsedate_to_datetime(block[field]) is not None, f"{name}: {field}: {block[field]}")


def unfolded(block, field):
    return re.sub(r"\r?\n", "", dict(block.raw_items())[field])


def check_status(name, part, count):
    blocks = part.get_payload()
    must(part.get_content_type() == "message/delivery-status", f"{name}: the second part is {part.get_content_type()}")
    must(len(blocks) == count + 1, f"{name}: {len(blocks)} blocks")
    check_fields(name, blocks[0], FIELDS_OF_MESSAGE, ["Reporting-MTA", "Arrival-Date"])
    must(blocks[0]["Reporting-MTA"] == "dns; relay.example.com", f"{name}: Reporting-MTA: {blocks[0]['Reporting-MTA']}")
    envelope_id = {"user-unknown": "QQ+31 4159", "hostile": "not=xtext  Action: delivered"}.get(name)
    must((unfolded(blocks[0], "Original-Envelope-Id") if "Original-Envelope-Id" in blocks[0] else None) == envelope_id,
         f"{name}: Original-Envelope-Id: {blocks[0]['Original-Envelope-Id']}")
    for block in blocks[1:]:
        check_fields(name, block, FIELDS_OF_RECIPIENT, ["Final-Recipient", "Action", "Status", "Last-Attempt-Date"])
        must(re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", block["Status"]), f"{name}: Status: {block['Status']}")
        must(not block.get_payload(), f"{name}: {block.get_payload()!r} behind the fields")
    first = {field: unfolded(blocks[1], field) for field in blocks[1].keys()}
    must(first.pop("Last-Attempt-Date") == ATTEMPT and first.pop("Final-Log-ID") == "0ORIGINAL00", f"{name}: {first}")
    if name == "hostile":
        diagnostic = first.pop("Diagnostic-Code")
        must(diagnostic.startswith("smtp; 550 5.7.1 no") and "\\x{62D2}\\x{6536}\\xff" in diagnostic and len(diagnostic) < 2200,
             f"{name}: Diagnostic-Code: {diagnostic[:200]!r}")
    must(first == EXPECTED[name][0], f"{name}: {first}")


def check_original(name, part):
    if name == "whole-message":
        must(part.get_content_type() == "message/rfc822", f"{name}: {part.get_content_type()}")
        original = part.get_payload(0)
        must(b"more, without an end" in original.as_bytes() and b"\xc4\xe3\xba\xc3" in original.as_bytes(), f"{name}: the body")
        return
    must(part.get_content_type() == "text/rfc822-headers", f"{name}: {part.get_content_type()}")
    octets = part.get_payload(decode=True)
    expected = {"header-of-8bit": b"Subject: \xb1\xa8\xbc\xdb\r\nX-Long: " + b"x" * 3000 + b"\r\n--=_0NOTICE0000\r\n",
                "long-header": b"X-Long: " + b"x" * 1500 + b"\r\n", "nothing-known": b"",
                "hostile": b"Subject: x\r\n--=_0NOTICE0000\r\nContent-Type: text/html\r\n\r\n--=_0NOTICE0000--\r\n"}.get(name)
    if expected is not None:
        must(octets.strip() == expected.strip(), f"{name}: returned {octets[:200]!r}")
    else:
        must(octets.startswith(b"From: alice@sender.example\r\n"), f"{name}: returned {octets[:200]!r}")


def check(name, raw):
    whole = b"Subject: \xe4\xbd\xa0\xe5\xa5\xbd\r\n\r\nbody \xc4\xe3\xba\xc3\r\n--=_0NOTICE0000--\r\nmore, without an end"
    check_lines(name, raw, whole if name == "whole-message" else b"")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    check_head(name, message)
    check_part(name, message)
    if name == "letter":
        check_text(name, message)
        must("\r\n.\r\nFrom now on" in message.get_content(), f"{name}: {message.get_content()!r}")
        return
    must(message.get_content_type() == "multipart/report", f"{name}: {message.get_content_type()}")
    must(message.get_param("report-type") == "delivery-status", f"{name}: report-type")
    must(message["Content-Transfer-Encoding"] == ("8bit" if name == "whole-message" else "7bit"), f"{name}: encoding of the whole")
    parts = message.get_payload()
    must(len(parts) == 3 and not message.preamble and not message.epilogue, f"{name}: {len(parts)} parts")
    for part in parts:
        check_part(name, part)
    check_text(name, parts[0])
    check_status(name, parts[1], {"many-recipients": 70, "relayed": 2}.get(name, 1))
    check_original(name, parts[2])


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        samples = sorted(pathlib.Path(folder).glob("*.eml"))
        must({sample.stem for sample in samples} == set(EXPECTED) | {"letter"}, "other samples than expected")
        for sample in samples:
            try:
                check(sample.stem, sample.read_bytes())
            except Exception as error:  # a reader that stumbles is a fault of the notice
                faults.append(f"{sample.stem}: {type(error).__name__}: {error}")
    for fault in faults:
        print(fault)
    print(f"{len(samples)} notices, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
