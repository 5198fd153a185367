"""DKIM both ways: what mailferry signs is judged by OpenDKIM, dkimpy and Mail::DKIM, what they sign by mailferry, whole and tampered with.
usage: cross.py BINARY [--all]   520 messages, each with a canonicalization and a change that a seed chooses; --all: every message with
every one of them."""
import collections
import concurrent.futures
import multiprocessing
import os
import pathlib
import random
import re
import sys
import tempfile

import broken
import messages
import reference
from others import Key, Refused, others
from ours import CANONICALIZATIONS, Mailferry, answers, start_name_server

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = ROOT / "tests/data/dkim/keys"
DOMAIN = "mydomain.com"
ALGORITHMS = [("rsa", "rsa-sha256", "rsa2048-pkcs8.pem"), ("ed", "ed25519-sha256", "ed25519.pem")]
MORE_KEYS = {"short": "rsa512.pem", "long enough": "rsa1024-pkcs1.pem"}

# --- what is done to a signed message on its way: (header, body) -> (header, body); the signatures stand above the header


def spoil_from(header, body): return header.replace(b"ann@", b"eve@", 1), body


def spoil_body(header, body):
    letter = re.search(rb"[A-Za-z0-9]", body)
    if not letter:
        return header, body + b"x\r\n"
    return header, body[:letter.start()] + bytes([letter[0][0] ^ 1]) + body[letter.end():]


def unchanged(header, body): return header, body
def add_from_below(header, body): return header + b"\r\nFrom: eve@example.com", body
def add_from_above(header, body): return b"From: eve@example.com\r\n" + header, body
def refold_from(header, body): return re.sub(rb"(?im)^from:", b"FROM:\r\n \t", header, count=1), body
def pad_body(header, body): return header, body.replace(b"\r\n", b" \r\n") + b"\r\n\r\n"


CHANGES = [spoil_from, spoil_body, add_from_below, add_from_above, refold_from, pad_body]


def expected(change, signer, canonicalization, body):
    """Whether the signature is still right, by RFC 6376."""
    header_kind, body_kind = canonicalization.split("/")
    if change is None:
        return True
    if change is add_from_above:  # the lowest From is signed; a second one only where From is listed once more
        return signer in ("OpenDKIM", "Mail::DKIM")
    if change is refold_from:
        return header_kind == "relaxed"
    if change is pad_body:
        return reference.canonical_body(body_kind, body) == reference.canonical_body(body_kind, pad_body(b"", body)[1])
    return False


# --- where the others differ

def unfinished(body): return body != b"" and not body.endswith(b"\r\n")


class Oddity:
    """What one implementation does with `part` of a message under `kind` (nothing: under both) when it `holds`."""

    def __init__(self, who, part, kind, holds, reason):
        self.who, self.part, self.kind, self.holds, self.reason = who, part, kind, holds, reason

    def explains(self, case):
        kind = case.canonicalization.split("/")[self.part == "body"]
        return self.who in (case.signer, case.judge) and self.kind in ("", kind) and self.holds(getattr(case, self.part))


ODDITIES = [
    Oddity("OpenDKIM", "body", "", lambda body: re.search(b"\r(?!\n)", body), "loses a bare CR"),
    Oddity("OpenDKIM", "body", "relaxed", unfinished, "refuses a relaxed body without a final line end; SMTP carries none"),
    Oddity("Mail::DKIM", "body", "simple", unfinished, "does not add the final line end of RFC 6376 3.4.3; SMTP carries no body without one"),
    Oddity("dkimpy", "body", "relaxed", lambda body: unfinished(body) and body[-1:] in b" \t", "keeps white space at the end of an unfinished last line"),
    Oddity("OpenDKIM", "header", "relaxed", lambda header: re.search(b"[\x0b\x0c]|\r(?!\n)", header), "takes vertical tab, form feed and bare CR for white space"),
    Oddity("dkimpy", "header", "relaxed", lambda header: re.search(b"[\x0b\x0c]", header), "takes vertical tab and form feed for white space"),
]


def known(case):
    """Why this difference is not mailferry's fault, or nothing."""
    if case.signer == "OpenDKIM" and case.algorithm == "ed25519-sha256" and case.canonicalization.startswith("simple"):
        return "OpenDKIM signs simple headers with Ed25519 so that nobody can verify it, OpenDKIM neither"
    if case.judge == "dkimpy" and case.change is add_from_above:
        return "dkimpy looks for one From more than h= says"
    return next((f"{oddity.who} {oddity.reason}" for oddity in ODDITIES if oddity.explains(case)), None)


class Case:
    """One judge's word on one signature, or one signer's on one message."""

    def __init__(self, message, canonicalization, change, signer, algorithm, judge, good, words):
        self.name, self.data = message
        self.canonicalization, self.change, self.signer, self.algorithm = canonicalization, change, signer, algorithm
        self.judge, self.good, self.words = judge, good, words
        self.header, _, self.body = self.data.partition(b"\r\n\r\n")

    def __str__(self):
        change = f", {self.change.__name__}" if self.change else ""
        return (f"{self.name}{change}: signed by {self.signer} {self.algorithm} {self.canonicalization}, "
                f"{'passed' if self.good else 'not passed'} by {self.judge} ({self.words})")


# --- one worker

class FromUnixFile:
    """mailferry, given a file whose lines end in LF alone."""

    def __init__(self, ours):
        self.ours = ours

    def verify(self, message):
        return self.ours.verify(message.replace(b"\r\n", b"\n"))


class Crossing:
    """One worker's programs and counts."""

    def __init__(self, binary, name_server, keys, records):
        self.keys, self.folder = keys, tempfile.TemporaryDirectory()
        self.ours = Mailferry(binary, self.folder.name, keys, DOMAIN, name_server)
        self.others = others(records)
        self.judges = {"mailferry": self.ours, **self.others}
        self.agreed, self.excused, self.wrong = 0, collections.Counter(), []

    def count(self, case, right):
        reason = None if right or case.good else known(case)
        if right:
            self.agreed += 1
        elif reason:
            self.excused[reason] += 1
        else:
            self.wrong.append(str(case))

    def sign(self, message, canonicalization):
        """(signer, algorithm) of each signature from the top down, and their fields."""
        made, fields = [], b""
        try:
            fields = self.ours.sign(message[1], canonicalization)
            made = [("mailferry", key.algorithm) for key in self.keys]
        except Refused as error:
            self.count(Case(message, canonicalization, None, "mailferry", "", "itself", False, error), False)
        for signer, other in self.others.items():
            for key in self.keys:
                if key.algorithm not in other.algorithms:
                    continue
                try:
                    fields += other.sign(message[1], key, canonicalization, DOMAIN)
                    made.append((signer, key.algorithm))
                except Refused as error:
                    self.count(Case(message, canonicalization, None, signer, key.algorithm, "itself", False, error), False)
        return made, fields

    def judge(self, message, canonicalization, made, fields, change):
        """Everybody's word on each of the signatures in `fields`."""
        header, body = (change or unchanged)(*message[1].split(b"\r\n\r\n", 1))
        arrived = fields + header + b"\r\n\r\n" + body
        judges = dict(self.judges)
        if change is None and not re.search(rb"\r(?!\n)|(?<!\r)\n", arrived):
            judges["mailferry, from a file with LF"] = FromUnixFile(self.ours)
        strangers = [name.lower() for name in re.findall(rb"(?m)^[^\s:]+", header)].count(b"dkim-signature")
        for name, judge in judges.items():
            try:
                verdicts = judge.verify(arrived)
            except Refused as error:
                verdicts = [(False, error)] * (len(made) + strangers)
            if len(verdicts) != len(made) + strangers:
                verdicts = [(False, f"{len(verdicts)} verdicts")] * len(made)
            for (signer, algorithm), (good, words) in zip(made, verdicts):
                if algorithm in getattr(judge, "algorithms", [algorithm]):
                    right = good == expected(change, signer, canonicalization, message[1].split(b"\r\n\r\n", 1)[1])
                    self.count(Case(message, canonicalization, change, signer, algorithm, name, good, words), right)

    def cross(self, message, canonicalizations, changes):
        for canonicalization in canonicalizations:
            made, fields = self.sign(message, canonicalization)
            for change in [None, *changes]:
                self.judge(message, canonicalization, made, fields, change)


def work(binary, name_server, keys, records, share):
    crossing = Crossing(binary, name_server, keys, records)
    for message, canonicalizations, changes in share:
        crossing.cross(message, canonicalizations, changes)
    return crossing.agreed, crossing.excused, crossing.wrong


def judge_broken(binary, name_server, keys, records):
    """Our word and whether the others pass it: how often right, the differences explained, and what is wrong."""
    agreed, excused, wrong = 0, collections.Counter(), []
    judges = others({name: record[0] for name, record in records.items() if isinstance(record, list) and len(record) == 1})
    with tempfile.TemporaryDirectory() as folder:
        ours = Mailferry(binary, folder, [], DOMAIN, name_server)
        for selector, case in broken_cases():
            message = case.made(selector, keys)
            words = [f"{result['result']} {result['reason']}" for result in ours.results(message, *case.options)]
            if words and words[0].split(" ")[0] == case.word:
                agreed += 1
            else:
                wrong.append(f"{case.name}: mailferry says {words}, not {case.word}")
            for name, judge in judges.items() if isinstance(case.record, str) and case.record != "servfail" and not case.options else ():
                try:
                    verdicts = judge.verify(message)
                except Refused as error:
                    verdicts = [(False, error)]
                if (bool(verdicts) and verdicts[0][0]) == (case.word == "pass"):
                    agreed += 1
                elif broken.differs(name, case):
                    excused[f"{name} {broken.differs(name, case)}"] += 1
                else:
                    wrong.append(f"{case.name}: {name} says {verdicts}, mailferry {words}")
    return agreed, excused, wrong


def broken_cases():
    """(selector, case): each has a record of its own."""
    return [(f"{'alias' if 'alias' in case.name else 'c'}{number}", case) for number, case in enumerate(broken.SIGNATURES + broken.RECORDS)]


def tasks(everything):
    """(message, canonicalizations, changes) to be crossed."""
    if everything:
        return [(message, CANONICALIZATIONS, CHANGES) for message in messages.composed() + messages.by_chance()]
    chance = random.Random("choice")
    chosen = chance.sample(messages.composed(), 420) + messages.by_chance()
    return [(message, [chance.choice(CANONICALIZATIONS)], [chance.choice(CHANGES)]) for message in chosen]


def cross_all(binary, name_server, keys, records, all_tasks):
    """What Crossing counts, from as many workers as there are processors."""
    workers = os.cpu_count()
    agreed, excused, wrong = 0, collections.Counter(), []
    with concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        shares = [(binary, name_server, keys, records, all_tasks[n::workers]) for n in range(workers)]
        for done in pool.map(work, *zip(*shares)):
            agreed, excused, wrong = agreed + done[0], excused + done[1], wrong + done[2]
    return agreed, excused, wrong


def main():
    binary, everything = sys.argv[1], "--all" in sys.argv[2:]
    keys = [Key(selector, algorithm, KEYS / file) for selector, algorithm, file in ALGORITHMS]
    all_keys = {key.selector: key for key in keys} | {name: Key(name, "rsa-sha256", KEYS / file) for name, file in MORE_KEYS.items()}
    records = {f"{key.selector}._domainkey.{DOMAIN}": key.record for key in keys}
    broken_records = {f"{selector}._domainkey.{DOMAIN}": case.records(all_keys) for selector, case in broken_cases()}
    name_server = start_name_server(answers({name: [record] for name, record in records.items()} | broken_records))
    all_tasks = tasks(everything)
    agreed, excused, wrong = (crossed + judged for crossed, judged in zip(cross_all(binary, name_server, keys, records, all_tasks),
                                                                         judge_broken(binary, name_server, all_keys, broken_records)))
    for line in wrong[:100]:
        print(line)
    for reason, count in excused.most_common():
        print(f"{count:6} differ: {reason}")
    print(f"{len(all_tasks)} messages and {len(broken_cases())} oddities: {agreed} verdicts as RFC 6376 wants them, {sum(excused.values())} explained")
    print(f"{agreed} passed, {len(wrong)} failed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
