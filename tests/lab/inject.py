"""A mail program at home: sends what standard input lists to a server. Run in the home namespace; prints refusals as JSON."""
import json
import pathlib
import smtplib
import sys


def send(server, mail):
    data = pathlib.Path(mail["file"]).read_bytes()
    refused = server.sendmail(mail["sender"], mail["recipients"], data, mail_options=mail["mail_options"],
                              rcpt_options=mail["rcpt_options"])
    return {who: f"{code} {words.decode(errors='replace')}" for who, (code, words) in refused.items()}


def main():
    order = json.load(sys.stdin)
    refusals = {}
    with smtplib.SMTP(order["host"], 25, local_hostname="desk.mydomain.com", timeout=60) as server:
        for mail in order["mails"]:
            try:
                refusals.update(send(server, mail))
            except smtplib.SMTPRecipientsRefused as error:
                refusals.update({who: f"{code} {words.decode(errors='replace')}" for who, (code, words) in error.recipients.items()})
            except smtplib.SMTPResponseException as error:
                refusals[",".join(mail["recipients"])] = f"{error.smtp_code} {error.smtp_error!r}"
    json.dump(refusals, sys.stdout)


main()
