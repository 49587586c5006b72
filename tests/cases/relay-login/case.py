"""F45: mail whose login is refused waits and is not returned, one notice tells of it, and with the
right password all of it arrives: redirected, and under the sender that the provider wants."""

import email
import pathlib

import tls
from far_server import FarServer

ROOT = "tls"
SECRET = pathlib.Path("/etc/holdfast/secret")
COUNT = 20


def run(box):
    with open("/etc/hosts", "a", encoding="ascii") as hosts:
        hosts.write("127.0.0.1 far.example.com\n")
    pair = tls.Pair("far.example.com")
    tls.put(SECRET, b"wrong\n", 0o600)
    tls.put(SECRET.with_name("ca.pem"), pair.chain)
    with FarServer(2465, tls=tls.server_context(pair), implicit_tls=True,
                   users={"me@example.com": "right"}) as far:
        box.start()
        for number in range(COUNT):
            box.submit("alice", ["bob"], f"From: Alice <alice@web1.example.net>\n"
                                         f"Subject: {number}\n\nbody\n")
        held, = box.wait_event("route-held")
        assert "535 5.7.8" in held["reason"], held
        told, = box.wait_mbox_while_queued("root")
        assert "provider" in told.body.decode() and "535 5.7.8" in told.body.decode(), told
        box.mtactl("queue", "flush")
        far.wait(lambda: len(far.sessions) > 1, "second login")
        assert len(far.sessions) <= 4, "an account is locked for less"
        assert not far.messages and not box.events("bounced"), box.events()

        tls.put(SECRET, b"right\n", 0o600)
        box.mtactl("queue", "flush")
        box.wait_queue_empty()
        box.wait_event("route-open")
        check(far.messages)
    assert len(box.mbox("root")) == 1, box.mbox("root")


def check(messages):
    mails = [(message, email.message_from_bytes(message.content)) for message in messages]
    ours = [(message, mail) for message, mail in mails if "Alice" in mail["From"]]
    assert sorted(int(mail["Subject"]) for _, mail in ours) == list(range(COUNT)), mails
    for message, mail in ours:
        assert mail["From"] == "Alice <me@example.com>", mail["From"]
        assert (message.sender, message.recipients) == ("me@example.com", ["me@example.com"])
    # The notice for the postmaster came the same way, once it was open.
    notice, = [message for message, mail in mails if "Alice" not in mail["From"]]
    assert (notice.sender, notice.recipients) == ("", ["me@example.com"]), notice
