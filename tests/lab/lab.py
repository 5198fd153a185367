"""The story of the lab: a hundred messages from the domestic Postfix through mailferry to a receiver, then real clients,
strangers, what goes wrong on the way, and real receivers.

Started by `run`, in namespaces of its own. Prints each check that fails and ends with "N passed, N failed"."""
import collections
import email
import email.policy
import json
import pathlib
import re
import shutil
import signal
import sys
import time

import arrivals
import clients
import deliveries
import messages
import postfix
import zones
from authority import Authority
from machines import LabError, Machine, Network, Roots, run, wait_until
from mailferry import Mailferry
from receivers import PROGRAMS

HERE = pathlib.Path(__file__).resolve().parent
CANONICALIZATIONS = ("relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple")


class Checks:
    """Counts what holds and tells what does not."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, holds, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED  {what}" + (f": {detail}" if detail else ""), flush=True)
        return holds


class Lab:
    def __init__(self, binary, folder):
        self.folder = folder
        self.checks = Checks()
        shutil.rmtree(folder / "run", ignore_errors=True)
        self.logs = folder / "run"
        (self.logs / "keys").mkdir(parents=True)
        authority = Authority(self.logs / "keys")
        self.network = Network()
        roots = Roots(self.logs / "machines", folder / "layer")
        self.keys = [zones.Key(self.logs / "keys", domain, selector, algorithm.split("-", maxsplit=1)[0])
                     for domain, wanted in messages.SIGNED.items() for selector, algorithm in sorted(wanted)]
        self.world = Machine(self.network, roots, "world", [zones.RECEIVER, zones.DNS])
        self.home = Machine(self.network, roots, "home", [zones.HOME])
        self.desk = Machine(self.network, roots, "desk", [zones.DESK])
        self.network.plug("relay", [zones.RELAY])
        self.relay = Mailferry(binary, self.logs, "relay", self.keys, authority)
        self.receivers = [program(self.network, roots, authority) for program in PROGRAMS]
        self.sent = 0

    def start(self):
        zones.start(self.world, self.keys, self.logs / "nsd.log")
        wait_until("NSD to answer", lambda: self.world.path("/run/nsd.pid").exists())
        postfix.start_receiver(self.world, {"nobody@abc.com": "550 5.1.1 no such user", "later@abc.com": "450 4.2.0 come back later"},
                               self.logs / "opendkim.log")
        ways = {client.recipient: (transport, client.port) for client, transport in clients.POSTFIX.items()}
        postfix.start_domestic(self.home, ways, f"{clients.NAME}:{clients.PASSWORD}")
        self.relay.configure(CANONICALIZATIONS[0])
        self.relay.start()

    def inject(self, mails, host=zones.HOME, mail_options=("BODY=8BITMIME",), rcpt_options=()):
        """Hands mails over at the domestic Postfix, as a desk at home would, or elsewhere; returns refused recipients."""
        order = {"host": host, "mails": []}
        for mail in mails:
            file = self.logs / "sent" / f"{self.sent:03d}.eml"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(mail.data)
            self.sent += 1
            order["mails"].append({"sender": mail.sender, "recipients": mail.recipients, "file": str(file),
                                   "mail_options": mail_options, "rcpt_options": rcpt_options})
        listing = self.logs / "order.json"
        listing.write_text(json.dumps(order))
        with open(listing, encoding="utf-8") as stdin:
            return json.loads(run("ip", "netns", "exec", "home", sys.executable, HERE / "inject.py", stdin=stdin))

    def arrived(self):
        """Files in the receiver's Maildir."""
        return arrivals.files_of(self.world)

    def came_home(self):
        """Files in the Maildir of the domestic host: notices."""
        return arrivals.files_of(self.home)

    def wait_for_copies(self, count, seconds=180):
        try:
            wait_until(f"{count} copies at the receiver", lambda: len(self.arrived()) >= count, seconds)
        except LabError as error:
            self.checks.that("all copies arrive", False, f"{error}; there are {len(self.arrived())}")

    def keep_logs(self):
        for machine in (self.home, self.world):
            (self.logs / f"postfix-{machine.name}.log").write_text(machine.read(postfix.LOG))
        for receiver in self.receivers:
            (self.logs / f"receiver-{receiver.name}.log").write_text(receiver.machine.read(receiver.log))
        for file in self.arrived():
            (self.logs / "arrived").mkdir(exist_ok=True)
            shutil.copy(file, self.logs / "arrived")


def results_of_opendkim(data):
    """(domain, selector) → result, from the field that the receiver's OpenDKIM wrote."""
    found = re.search(rb"^Authentication-Results: mx\.abc\.com;((?:.*\n)(?:[ \t].*\n)*)", data, re.MULTILINE)
    results = {}
    without_comments = re.sub(r"\([^)]*\)", "", found.group(1).decode(errors="replace") if found else "")
    for part in without_comments.split(";"):
        words = " ".join(part.split())
        result, domain, selector = (re.search(pattern, words) for pattern in (r"dkim=(\w+)", r"header\.d=(\S+)", r"header\.s=(\S+)"))
        if result and domain and selector and domain.group(1) != "elsewhere.example":
            results[domain.group(1), selector.group(1)] = result.group(1)
    return results


def check_message(lab, message, files, verified, canonicalization):
    """All copies of a message: its bytes, what stands in front of them, and both verifiers' words."""
    that, original = lab.checks.that, message.data.replace(b"\r\n", b"\n")
    to = sorted(arrivals.delivered_to(file) for file in files)
    if not that(f"{message.name}: arrives once for each recipient", to == sorted(message.recipients), f"arrived for {to}"):
        return
    changes = {file.name: words for file in files if (words := arrivals.what_changed(file.read_bytes(), original))}
    that(f"{message.name}: byte-exact", not changes, str(changes))
    expected = {(*signature, canonicalization) for signature in message.signatures}
    for file in files:
        found = [one for one in verified[file.name] if one["domain"] != "elsewhere.example"]
        tags = [(one["domain"], one["selector"], one["algorithm"], one["canonicalization"]) for one in found]
        judged = results_of_opendkim(file.read_bytes())
        own = {who: result for who, result in lab.relay.verify(file.read_bytes()).items() if who[0] != "elsewhere.example"}
        wanted = {(domain, selector): "pass" for domain, selector, _ in message.signatures}
        good = (sorted(tags) == sorted(expected), all(one["good"] for one in found), judged == wanted, own == wanted)
        if not all(good):
            break
    that(f"{message.name}: the signatures it should have", good[0], str(tags))
    that(f"{message.name}: verifies with dkimpy", good[1], str(found))
    that(f"{message.name}: verifies with OpenDKIM", good[2], str(judged))
    that(f"{message.name}: verifies with mailferry", good[3], str(own))


def change_canonicalization(lab, canonicalization, how):
    lab.relay.configure(canonicalization)
    if how == "reload":
        lab.relay.reload()
    else:
        lab.checks.that("SIGTERM ends with 0", lab.relay.stop() == 0)
        lab.relay.start()


def hundred_messages(lab):
    """A quarter of the messages under each canonicalization; the ways to change it alternate."""
    everything = messages.hundred()
    expected = 0
    for index, canonicalization in enumerate(CANONICALIZATIONS):
        if index > 0:
            change_canonicalization(lab, canonicalization, "reload" if index % 2 else "restart")
        batch = everything[index::len(CANONICALIZATIONS)]
        refused = lab.inject(batch)
        lab.checks.that(f"the domestic Postfix takes the messages for {canonicalization}", not refused, str(refused))
        expected += sum(len(message.recipients) for message in batch)
        lab.wait_for_copies(expected)
    verified = arrivals.verify_with_dkimpy(lab.world)
    copies = collections.defaultdict(list)
    for file in lab.arrived():
        copies[arrivals.delivered_to(file)[:4]].append(file)
    for message in everything:
        check_message(lab, message, copies[message.recipients[0][:4]], verified, CANONICALIZATIONS[message.number % len(CANONICALIZATIONS)])


def ways_of_the_mail(lab):
    """What the logs of both Postfix say about the way."""
    that = lab.checks.that
    home, world = lab.home.read(postfix.LOG), lab.world.read(postfix.LOG)
    that("mailferry offers STARTTLS to the domestic Postfix", "TLS connection established to 34.56.78.90" in home)
    that("nothing is deferred at home", "status=deferred" not in home)
    that("nothing bounces at home", "status=bounced" not in home)
    that("delivered with TLS", all(event.get("tls", "none").startswith("TLS") for event in lab.relay.events("delivered")),
         str(lab.relay.events("delivered")[:1]))
    that("the receiver knows the relay by name", "client=mail.mydomain.com[34.56.78.90]" in world)
    that("forty recipients in one transaction", ", nrcpt=40 (queue active)" in world)
    connections, taken = world.count("]: connect from mail.mydomain.com"), world.count("client=mail.mydomain.com")
    that("connections are used again", 0 < connections < taken, f"{connections} connections for {taken} messages")
    wait_until("mailferry's queue to be empty", lambda: lab.relay.queue() == [])
    that("as many delivered lines as copies", len(lab.relay.events("delivered")) == len(lab.arrived()),
         f"{len(lab.relay.events('delivered'))} of {len(lab.arrived())}")


def ask_as_stranger(lab):
    """What mailferry says at RCPT to a client that is not in mynetworks."""
    script = f"""import smtplib
server = smtplib.SMTP("{zones.RELAY}", 25, timeout=30)
server.ehlo("stranger.example")
server.mail("boss@mydomain.com")
code, words = server.rcpt("m000@abc.com")
print(code, words.decode())
server.quit()"""
    return run("ip", "netns", "exec", "world", sys.executable, "-c", script).decode().strip()


def refusals(lab):
    that = lab.checks.that
    answer = ask_as_stranger(lab)
    that("a stranger gets 550 5.7.1 at RCPT", answer.startswith("550 5.7.1"), answer)
    before = len(lab.arrived())
    lab.inject([messages.one_mail(["nobody@abc.com", "somebody@abc.com"], "one of two is refused")])
    lab.wait_for_copies(before + 1)
    wait_until("the bounce in the log", lambda: lab.relay.events("bounced"))
    bounced = lab.relay.events("bounced")
    that("the refused recipient alone bounces", [event.get("to", "").strip("<>") for event in bounced] == ["nobody@abc.com"], str(bounced))
    that("the log has the receiver's words", "no such user" in bounced[0].get("reply", ""), str(bounced[0]))
    wait_until("the notice to come home", lab.came_home)
    check_notice(lab, lab.came_home()[0])
    wait_until("the queue to be empty", lambda: lab.relay.queue() == [])


def check_notice(lab, file):
    """RFC 3464 as Python's parser reads it, and signed like all our mail."""
    that, data = lab.checks.that, file.read_bytes()
    notice = email.message_from_bytes(data, policy=email.policy.default)
    parts = list(notice.walk())
    defects = [str(defect) for part in parts for defect in part.defects]
    that("the notice is well-formed", not defects, str(defects))
    that("it has a null reverse-path", notice["Return-Path"] == "<>", str(notice["Return-Path"]))
    that("it is from MAILER-DAEMON at the postmaster's domain", "MAILER-DAEMON@mydomain.com" in notice["From"], str(notice["From"]))
    that("it answers to nobody", notice["Auto-Submitted"] == "auto-replied", str(notice["Auto-Submitted"]))
    kind = (notice.get_content_type(), notice["Content-Type"].params.get("report-type"))
    if not that("it is a report", kind == ("multipart/report", "delivery-status"), str(kind)):
        return
    words, status, returned = notice.iter_parts()
    text = words.get_content()
    that("it has the receiver's own words", "no such user" in text, text)
    that("it speaks Chinese too", re.search(r"[\u4e00-\u9fff]{4}", text), text)
    of_message, of_recipient = status.get_payload()
    that("it says who reports", of_message["Reporting-MTA"] == "dns; mail.mydomain.com", str(of_message))
    told = {name: str(of_recipient[name]) for name in ("Final-Recipient", "Action", "Status", "Remote-MTA")}
    expected = {"Final-Recipient": "rfc822; nobody@abc.com", "Action": "failed", "Status": "5.1.1", "Remote-MTA": "dns; mx.abc.com"}
    that("it says what became of whom", told == expected, str(told))
    that("it returns the header", "one of two is refused" in returned.as_string(), returned.as_string())
    lab.world.run("mkdir", "-p", "/tmp/notices")
    lab.world.path("/tmp/notices/notice").write_bytes(data)
    verified = arrivals.verify_with_dkimpy(lab.world, "/tmp/notices")["notice"]
    that("both its signatures verify", len(verified) == 2 and all(one["good"] for one in verified), str(verified))


def strangers(lab):
    """The receiver's host is a stranger to the relay; so is the desk, whose name and password are good all the while."""
    that, before = lab.checks.that, len(lab.arrived())
    said = json.loads(run("ip", "netns", "exec", "world", "/usr/bin/python3", HERE / "strangers.py", zones.RELAY, clients.NAME, clients.PASSWORD))
    for trick, code in said["relaying"]:
        that("a stranger sends nothing through the relay", code == 0 or code >= 400, f"{trick}: {code}")
    for line, code in said["guesses"]:
        that("a guessed password opens nothing", code == 0 or code >= 400, f"{line}: {code}")
    that("who guesses too often is not asked any more", said["right"] == 0 or said["right"] >= 400, str(said["right"]))
    honest = clients.Client("smtplib", "implicit", "PLAIN")
    honest.recipient = "after-strangers@abc.com"
    trouble = clients.hand_in(lab.desk, honest) or clients.hand_in(lab.desk, honest)  # as after a lost reply
    that("the same mail again is not queued again", len(lab.relay.events("repeated")) == 1)
    that("others are served meanwhile", not trouble, trouble)
    lab.wait_for_copies(before + 1)
    wait_until("the queue to be empty", lambda: lab.relay.queue() == [])
    that("nothing of the stranger's arrived", len(lab.arrived()) == before + 1, f"{len(lab.arrived()) - before} arrived")


def waiting_recipients(lab):
    return [row["recipient"].strip("<>") for row in lab.relay.queue()]


def deferral(lab):
    """A deferred message outlives SIGTERM, is seen in the queue with and without the daemon, and leaves when the receiver takes it."""
    that = lab.checks.that
    before = len(lab.arrived())
    lab.inject([messages.one_mail(["later@abc.com"], "the receiver is not ready")])
    wait_until("the deferral in the log", lambda: lab.relay.events("deferred"))
    that("the log names the reply", "come back later" in lab.relay.events("deferred")[0].get("reply", ""))
    that("queue list shows the deferred message", waiting_recipients(lab) == ["later@abc.com"], str(lab.relay.queue()))
    that("SIGTERM ends with 0 while mail waits", lab.relay.stop() == 0)
    that("queue list shows it with the daemon stopped", waiting_recipients(lab) == ["later@abc.com"])
    postfix.set_access(lab.world, {})
    postfix.reload_postfix(lab.world)
    lab.relay.start()
    lab.wait_for_copies(before + 1)
    wait_until("the queue to forget it", lambda: waiting_recipients(lab) == [])
    delivered = [event for event in lab.relay.events("delivered") if "later@abc.com" in event.get("to", "")]
    that("delivered once", len(delivered) == 1 and len(lab.arrived()) == before + 1, str(delivered))


def end(lab):
    that = lab.checks.that
    that("SIGTERM ends with 0 at the end", lab.relay.stop() == 0)
    said = lab.relay.said()
    that("no sanitizer spoke", not re.search(r"Sanitizer|runtime error", said), said[:2000])
    try:
        wait_until("the domestic queue to be empty", lambda: postfix.domestic_queue_empty(lab.home))
    except LabError as error:
        that("the domestic queue is empty", False, str(error))


CHAPTERS = (hundred_messages, ways_of_the_mail, refusals, clients.real_clients, strangers, deferral, deliveries.real_receivers, end)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the first process of a namespace ignores it otherwise
    binary, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    lab = Lab(binary, folder)
    try:
        lab.start()
        for chapter in CHAPTERS:
            started = time.monotonic()
            chapter(lab)
            print(f"lab: {chapter.__name__.replace('_', ' ')} ({time.monotonic() - started:.0f} s)", flush=True)
    except LabError as error:
        lab.checks.that("the lab goes on", False, str(error))
    finally:
        lab.keep_logs()
    if lab.checks.failed:
        print(f"logs: {lab.logs}")
    print(f"{lab.checks.passed} passed, {lab.checks.failed} failed")
    return 1 if lab.checks.failed else 0


sys.exit(main())
