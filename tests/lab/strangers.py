"""A stranger at mailferry's door, who tries to send through it and to guess a password. Run in the namespace of a host that is not
trusted; takes the relay's address, prints as JSON what every trick was answered."""
import base64
import concurrent.futures
import json
import smtplib
import ssl
import sys

HOST = sys.argv[1]
NAME, PASSWORD = sys.argv[2:4]

# EHLO, MAIL and RCPT; each conversation is a connection of its own, and few enough errors to hear all answers.
RELAYING = [
    ("smtp.mydomain.com", "<boss@mydomain.com>", ["<x@abc.com>", "<x%abc.com@mail.mydomain.com>", "<x%abc.com>"]),
    ("[12.34.56.78]", "<>", ["<x@abc.com>", "<abc.com!x@mail.mydomain.com>", "<abc.com!x>"]),
    ("mail.mydomain.com", "<postmaster@mail.mydomain.com>", ["<@mail.mydomain.com:x@abc.com>", "<@mail.mydomain.com,@abc.com:x@abc.com>", "<x@[203.0.113.25]>"]),
    ("localhost", "<root@localhost>", ['<"x@abc.com"@mail.mydomain.com>', '<"x@abc.com">', "<x@abc.com@mail.mydomain.com>"]),
    ("[127.0.0.1]", "<MAILER-DAEMON@mydomain.com>", ["x@abc.com", "<postmaster@abc.com>", "<postmaster%abc.com@mail.mydomain.com>"]),
    ("friend", "<boss@mydomain.com> AUTH=<>", ["<x@abc.com.>", "<x@ABC.COM> NOTIFY=NEVER", "<x@mydomain.com>"]),
    ("friend", "<boss@mydomain.com> SMTPUTF8", ["<х@abc.com>", "<x@аbc.com>", "<x@abc。com>"]),
]
CLAIMS = ["XCLIENT ADDR=12.34.56.78 NAME=smtp.mydomain.com", "XFORWARD ADDR=12.34.56.78", "PROXY TCP4 12.34.56.78 34.56.78.90 4711 25",
          "AUTH EXTERNAL " + base64.b64encode(b"desk").decode()]


def plain(*parts):
    return "AUTH PLAIN " + base64.b64encode("\0".join(parts).encode()).decode()


GUESSES = [
    plain("", NAME, "wrong"), plain("", NAME, ""), plain("", "", ""), plain("", NAME.upper(), PASSWORD), plain("", NAME, PASSWORD + "\0"),
    plain("root", "root", PASSWORD), plain("", NAME, PASSWORD[:-1]), plain("", NAME + "\0", PASSWORD), "AUTH PLAIN !!!!", "AUTH PLAIN =",
    "AUTH LOGIN " + base64.b64encode(NAME.encode()).decode(), "AUTH CRAM-MD5", "AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=desk,r=").decode(),
    "AUTH SCRAM-SHA-256-PLUS", "AUTH EXTERNAL =",
]


def connect(name="stranger.example"):
    server = smtplib.SMTP(HOST, 25, name, timeout=60)
    server.ehlo(name)
    return server


def over_tls():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    server = connect()
    server.starttls(context=context)
    server.ehlo()
    return server


def say(server, line):
    """The reply's code; 0 when the relay hung up."""
    try:
        server.send((line + "\r\n").encode())
        return server.getreply()[0]
    except (smtplib.SMTPServerDisconnected, OSError):
        return 0


def try_to_relay(trick):
    name, sender, recipients = trick
    answers = []
    server = connect(name)
    mail = say(server, f"MAIL FROM:{sender}")
    for recipient in recipients:
        answers.append((f"{name}: {sender} to {recipient} (MAIL {mail})", say(server, f"RCPT TO:{recipient}")))
    answers.append((f"{name}: DATA", say(server, "DATA")))
    server.close()
    return answers


def try_to_claim(line):
    try:
        server = connect()
        claimed = say(server, line)
        server.ehlo("smtp.mydomain.com")
        say(server, "MAIL FROM:<boss@mydomain.com>")
        code = say(server, "RCPT TO:<x@abc.com>")
        server.close()
    except (smtplib.SMTPException, OSError):
        claimed = code = 0
    return [(f"{line}: {claimed}, then RCPT", code)]


def try_to_proxy(_):
    """The header of a proxy before everything else."""
    server = smtplib.SMTP(timeout=60)
    server.sock = server._get_socket(HOST, 25, 60)  # what connect() does before it reads the greeting
    server.file = server.sock.makefile("rb")
    code = say(server, "PROXY TCP4 12.34.56.78 34.56.78.90 4711 25")
    if code == 220:
        server.getreply()  # to the header, which is no command
        say(server, "EHLO smtp.mydomain.com")
        say(server, "MAIL FROM:<boss@mydomain.com>")
        code = say(server, "RCPT TO:<x@abc.com>")
    server.close()
    return [("PROXY before the greeting", code)]


def guess(lines):
    answers = []
    try:
        server = over_tls()
        for line in lines:
            code = say(server, line)
            if code == 334:
                code = say(server, base64.b64encode(b"wrong").decode())
            answers.append((line, code))
        server.close()
    except (smtplib.SMTPException, OSError):
        answers.append((str(lines), 0))
    return answers


def without_tls(_):
    server = connect()
    answers = [(f"{line} without TLS", say(server, line)) for line in (plain("", NAME, PASSWORD), "AUTH LOGIN")]
    server.close()
    return answers


def the_right_one():
    """The right password, once the address has guessed too often."""
    try:
        server = over_tls()
        code = say(server, plain("", NAME, PASSWORD))
        server.close()
        return code
    except (smtplib.SMTPException, OSError):
        return 0


def main():
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        relaying = [pool.submit(try_to_relay, trick) for trick in RELAYING] + [pool.submit(try_to_claim, line) for line in CLAIMS]
        relaying.append(pool.submit(try_to_proxy, None))
        guesses = [pool.submit(guess, GUESSES[i:i + 3]) for i in range(0, len(GUESSES), 3)] + [pool.submit(without_tls, None)]
        answers = {"relaying": [one for job in relaying for one in job.result()], "guesses": [one for job in guesses for one in job.result()]}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        more = [pool.submit(guess, [plain("", NAME, f"guess {number}")]) for number in range(12)]
        answers["guesses"] += [one for job in more for one in job.result()]
    answers["right"] = the_right_one()
    json.dump(answers, sys.stdout)


main()
