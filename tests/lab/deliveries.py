"""What mailferry delivers to real receivers: the hundred messages and some more, whole and encrypted, and nothing where it must not."""
import collections
import re

import arrivals
import messages
from clients import NAME, PASSWORD
from machines import LabError, wait_until
from receivers import PUT_OFF, REFUSED
from zones import RELAY

ROUTE = """
[[route]]
domain = "unverified.{domain}"
hosts = ["mx.{domain}:2525"]
tls = "{tls}"
[[route]]
domain = "implicit.{domain}"
hosts = ["mx.{domain}:465"]
tls = "verified"
username = "{name}"
password_file = "{password_file}"
[[route]]
domain = "starttls.{domain}"
hosts = ["mx.{domain}:587"]
tls = "verified"
username = "{name}"
password_file = "{password_file}"
[[shape]]
domain = "{domain}"
tls = "verified"
"""
GREETED = "您好@"


def configure(lab, tls):
    """`tls`: what the routes ask of the certificate that nobody vouches for. The strictest canonicalization bears no change."""
    file = lab.logs / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    blocks = "".join(ROUTE.format(domain=receiver.domain, tls=tls, name=NAME, password_file=file) for receiver in lab.receivers)
    lab.relay.configure("simple/simple", delays=("3s",), blocks=blocks)
    lab.relay.reload()


def hundred(lab):
    """The hundred messages, for every receiver at once."""
    everything = messages.hundred()
    for message in everything:
        message.recipients = [to.replace("@abc.com", f"@{receiver.domain}") for receiver in lab.receivers for to in message.recipients]
    return everything


def to_each(lab, address, subject):
    """A short message for everyone who has such an address; DOMAIN stands for the receiver's."""
    return messages.one_mail([address.replace("DOMAIN", receiver.domain) for receiver in lab.receivers], subject)


def send(lab, everything):
    extra = [("nobody@DOMAIN", "refused"), ("later@DOMAIN", "put off"), ("somebody@unverified.DOMAIN", "the wrong certificate"),
             ("user@implicit.DOMAIN", "a password at 465"), ("user@starttls.DOMAIN", "a password at 587")]
    refused = lab.inject(everything + [to_each(lab, address, subject) for address, subject in extra], RELAY)
    refused |= lab.inject([to_each(lab, GREETED + "DOMAIN", "an address in Chinese")], RELAY, ["SMTPUTF8", "BODY=8BITMIME"])
    refused |= lab.inject([to_each(lab, "asked@DOMAIN", "a receipt")], RELAY, ["BODY=8BITMIME", "ENVID=receipt"], ["NOTIFY=SUCCESS"])
    lab.checks.that("mailferry takes the mail for the receivers", not refused, str(refused))


def events_of(lab, verb, recipient):
    return [event for event in lab.relay.events(verb) if event.get("to", "").strip("<>") == recipient]


def wait_for(lab, what, test, seconds=60):
    """A check that the awaited comes."""
    try:
        wait_until(what, test, seconds)
    except LabError as error:
        lab.checks.that(what, False, str(error))


def arrived(receiver):
    """Files by recipient."""
    found = collections.defaultdict(list)
    for file in arrivals.files_of(receiver.machine):
        found[arrivals.delivered_to(file)].append(file)
    return found


def who_waits(lab):
    """What is refused, put off or kept back; only then are the receivers' doors opened."""
    that = lab.checks.that
    for receiver in lab.receivers:
        domain, name = receiver.domain, receiver.name
        refused, later, kept = f"nobody@{domain}", f"later@{domain}", f"somebody@unverified.{domain}"
        bounced, deferred, waiting = (wait_until(f"{verb} {to}", lambda verb=verb, to=to: events_of(lab, verb, to))
                                      for verb, to in (("bounced", refused), ("deferred", later), ("deferred", kept)))
        that(f"{name}: who is refused bounces, in its own words", REFUSED[10:] in bounced[0]["reply"], str(bounced))
        that(f"{name}: who is put off waits", PUT_OFF[10:] in deferred[0]["reply"], str(deferred))
        that(f"{name}: with a certificate of nobody the mail waits", "certificate" in waiting[0]["reply"], str(waiting))
        that(f"{name}: and nothing of it arrives", not {later, kept} & set(arrived(receiver)) and not events_of(lab, "delivered", kept))
        receiver.let_in()


def keyword(file):
    """The receiver's word for how it got the mail (RFC 3848, RFC 6531), in its Received field."""
    found = re.search(rb"\bwith ((?:utf8)?e?smtps?a?)\s", file.read_bytes(), re.IGNORECASE)
    return found.group(1).decode().upper() if found else ""


def check_hundred(lab, receiver, everything, files, verified):
    that, name = lab.checks.that, receiver.name
    for message in everything:
        if message.name.split()[1] in receiver.alters:
            continue
        original = message.data.replace(b"\r\n", b"\n")
        copies = {to: files[to] for to in message.recipients if to.endswith("@" + receiver.domain)}
        that(f"{name}, {message.name}: arrives once for each recipient", all(len(found) == 1 for found in copies.values()), str(copies))
        changes = {to: words for to, found in copies.items() for file in found if (words := arrivals.what_changed(file.read_bytes(), original))}
        that(f"{name}, {message.name}: byte-exact", not changes, str(changes))
        for file in (file for found in copies.values() for file in found):
            signatures = [one for one in verified[file.name] if one["domain"] != "elsewhere.example"]
            tags = {(one["domain"], one["selector"], one["algorithm"]) for one in signatures}
            if not (good := all(one["good"] for one in signatures) and tags == message.signatures):
                break
        that(f"{name}, {message.name}: verifies with dkimpy", good, str(signatures))


def check_exim(lab, everything, log):
    """What Exim alone tells: its own verdict on our signatures, and that content came in chunks."""
    that = lab.checks.that
    judged = re.findall(r"DKIM: d=(\S+) .*\[verification (\w+)", log)
    failed = [domain for domain, verdict in judged if verdict != "succeeded" and domain in messages.SIGNED]
    # Where nothing follows the empty line Exim hashes nothing; "simple" has CR LF for it (RFC 6376 3.4.3).
    known = sum(len(message.signatures) for message in everything if message.data.endswith(b"\r\n\r\n") and message.data.count(b"\r\n\r\n") == 1)
    that("exim: verifies our signatures", len(judged) - len(failed) >= sum(len(message.signatures) for message in everything) - known and
         len(failed) <= known, f"{len(judged)} judged, failed: {failed}")
    that("exim: gets content with BDAT", log.count(" K S=") > len(everything), log[-800:])


def check_ways(lab, receiver, files, log):
    that, name, domain = lab.checks.that, receiver.name, receiver.domain
    words = collections.Counter(keyword(file) for to, found in files.items() for file in found if not re.match("user@", to))
    that(f"{name}: all is encrypted", set(words) <= {"ESMTPS", "UTF8SMTPS", "UTF8ESMTPS"}, str(words))
    for way in ("implicit", "starttls"):
        that(f"{name}: a name and password over {way} TLS", [keyword(file) for file in files[f"user@{way}.{domain}"]] == ["ESMTPSA"])
    that(f"{name}: its log tells of the logins", all(words in log for words in receiver.logins))
    for late in (f"later@{domain}", f"somebody@unverified.{domain}"):
        that(f"{name}: {late} has it in the end", len(files[late]) == 1)
    connections, taken = log.count(receiver.connection), len({event["id"] for event in lab.relay.events("delivered") if domain in event["to"]})
    that(f"{name}: connections are used again", 0 < connections < taken / 3, f"{connections} connections for {taken} messages")
    chinese = files[GREETED + domain]
    if receiver.smtputf8:
        that(f"{name}: takes an address in Chinese", [keyword(file)[:4] for file in chinese] == ["UTF8"], str(chinese))
    else:
        that(f"{name}: cannot take an address in Chinese, the sender is told", not chinese and len(events_of(lab, "bounced", GREETED + domain)) == 1)


def came_receipt(lab, receiver):
    """Whether the receiver itself told the sender, who had asked for it, of its success."""
    return any(f"@mx.{receiver.domain}" in text and f"asked@{receiver.domain}" in text
               for text in (file.read_text(errors="replace") for file in lab.came_home()))


def real_receivers(lab):
    """Everything is sent at once; while some of it waits the rest arrives."""
    for receiver in lab.receivers:
        receiver.start()
    configure(lab, "verified")
    everything = hundred(lab)
    send(lab, everything)
    who_waits(lab)
    configure(lab, "opportunistic")
    wait_for(lab, "mailferry's queue to be empty", lambda: lab.relay.queue() == [])
    for receiver in lab.receivers:
        wait_for(lab, f"{receiver.name}: a receipt", lambda: came_receipt(lab, receiver))
        wanted = {to for message in everything for to in message.recipients if to.endswith("@" + receiver.domain)}
        wait_for(lab, f"{receiver.name}: every copy", lambda: wanted <= set(arrived(receiver)))
        files, verified = arrived(receiver), arrivals.verify_with_dkimpy(receiver.machine)
        check_hundred(lab, receiver, everything, files, verified)
        log = receiver.machine.read(receiver.log)
        check_ways(lab, receiver, files, log)
        if receiver.name == "exim":
            check_exim(lab, everything, log)
