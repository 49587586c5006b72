"""The limit of smtpd.conf is the only one: sendmail brings what it allows, and is told of the rest."""

MEGABYTE = 1_000_000


def message(size):
    line = b"x" * 99 + b"\n"
    return b"Subject: large\n\n" + line * (size // len(line))


def run(box):
    box.start()
    box.submit("alice", ["bob"], message(51 * MEGABYTE))
    box.wait_mbox("bob")

    done = box.sendmail("alice", ["bob"], message(53 * MEGABYTE))
    assert done.returncode == 69 and done.stderr.count(b"\n") == 1, done
    assert b"the limit is 52000000" in done.stderr, done
    assert not box.stored(), box.stored()
