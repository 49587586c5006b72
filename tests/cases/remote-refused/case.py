"""Mail for another machine is refused, to strangers and to local users, and says why."""


def run(box):
    box.start()
    box.dialogue("dialogue.smtp")
    done = box.sendmail("alice", ["dave@example.com"], "Subject: away\n\nbody\n")
    assert done.returncode == 69, done
    assert done.stderr.count(b"\n") == 1 and b"dave@example.com" in done.stderr, done
    assert b"smtpd.conf names no relay to send it through" in done.stderr, done
    assert not box.stored(), box.stored()
