"""Load from outside: Postfix's smtp-source."""

import re

COUNT, SESSIONS, LENGTH = 2000, 20, 4096


def smtp_source(box, recipient, count=COUNT):
    done = box.run("alice", [
        "smtp-source", "-s", str(SESSIONS), "-m", str(count), "-l", str(LENGTH),
        "-f", "alice@box.example.net", "-t", recipient, "127.0.0.1:25"])
    assert done.returncode == 0 and not done.stderr, done


def each_once(mails, count=COUNT):
    """Every message is there once: as many as were sent, each with an id of its own."""
    assert len(mails) == count, f"{len(mails)} messages, {count} were sent"
    ids = {re.search(r"\bid ([0-9A-HJKMNP-TV-Z]{26})\b", mail["Received"]).group(1)
           for mail in mails}
    assert len(ids) == count, f"{len(ids)} different messages, {count} were sent"
    short = [mail for mail in mails if len(mail.body) < LENGTH - 400]
    assert not short, f"{len(short)} messages are cut short: {short[0]}"
