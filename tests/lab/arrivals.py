"""What arrived on a machine, and how it differs from what was sent."""
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
INBOX = "/var/mail/lab/inbox/new"
ON_THE_WAY = {"return-path", "x-original-to", "delivered-to", "envelope-to", "authentication-results", "received", "dkim-signature", "date",
              "message-id"}


def files_of(machine):
    """Files in the machine's Maildir."""
    folder = machine.path(INBOX)
    return sorted(folder.iterdir()) if folder.exists() else []


def delivered_to(file):
    """The recipient that a file in the Maildir was delivered to."""
    found = re.search(rb"^(?:Delivered-To|Envelope-to): (.*)$", file.read_bytes(), re.MULTILINE)
    return found.group(1).decode() if found else ""


def field_names(prefix):
    return [line.split(b":")[0].decode(errors="replace").lower() for line in prefix.split(b"\n") if line and line[:1] not in b" \t"]


def what_changed(data, original):
    """Words about how a delivered message differs from what was sent, but for the fields put in front; empty when it does not."""
    if not data.endswith(original):
        return "the message itself is changed"
    unknown = set(field_names(data[:len(data) - len(original)])) - ON_THE_WAY
    return f"fields in front: {unknown}" if unknown else ""


def verify_with_dkimpy(machine, folder=INBOX):
    """Every signature of the mails in the folder, by file name; the keys come from the machine's DNS."""
    machine.path("/tmp/verify.py").write_bytes((HERE / "verify.py").read_bytes())
    return json.loads(machine.run("/usr/bin/python3", "/tmp/verify.py", folder))
