"""F31: a user can put mail into drop/ and nothing else: no list, no foreign file, no hard link."""

from box import SPOOL


def refused(box, user, command):
    done = box.run(user, ["sh", "-c", command])
    assert done.returncode != 0, f"{command!r} as {user} should fail: {done}"


def run(box):
    box.submit("alice", ["bob"], "Subject: dropped\n\nbody\n")
    dropped, = (SPOOL / "drop").iterdir()
    refused(box, "bob", f"ls {SPOOL}/drop")
    refused(box, "bob", f"cat {dropped}")
    refused(box, "bob", f"rm -f {dropped}")
    refused(box, "bob", f"ls {SPOOL}/queue")

    # What is no submission is left out, and does not stop what is one.
    box.run("bob", ["sh", "-c", f"mkfifo {SPOOL}/drop/fifo; ln -s /etc/shadow {SPOOL}/drop/link; "
                                f"mkdir {SPOOL}/drop/folder; echo rubbish >{SPOOL}/drop/rubbish; "
                                f"truncate -s 1T {SPOOL}/drop/sparse"])
    secret = SPOOL.parent / "secret"
    secret.touch(0o600)
    (SPOOL / "drop/planted").hardlink_to(secret)
    box.start()
    box.wait_event("delivered")
    mail, = box.mbox("bob")
    assert mail["Subject"] == "dropped", mail
    box.stop()
