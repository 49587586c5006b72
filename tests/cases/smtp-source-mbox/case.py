"""2,000 messages from smtp-source over 20 sessions: each arrives exactly once in an mbox."""

from load import each_once, smtp_source, COUNT

DEADLINE = 240


def run(box):
    box.start()
    smtp_source(box, "bob@box.example.net")
    each_once(box.wait_mbox("bob", COUNT, seconds=120))
