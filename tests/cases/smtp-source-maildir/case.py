"""2,000 messages from smtp-source over 20 sessions: each arrives exactly once in a Maildir."""

from load import each_once, smtp_source, COUNT

DEADLINE = 240


def run(box):
    box.start()
    smtp_source(box, "bob@box.example.net")
    each_once(box.wait_maildir("bob", COUNT, seconds=120))
