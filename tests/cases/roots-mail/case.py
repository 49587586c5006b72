"""Mail for root lies in /var/mail/root, which belongs to a user of its own; no alias is needed."""

import pwd

from box import MAIL


def run(box):
    box.start()
    box.submit("alice", ["root"], "Subject: for root\n\nbody\n")
    mail, = box.wait_mbox("root")
    assert mail["Subject"] == "for root", mail
    facts = (MAIL / "root").stat()
    assert pwd.getpwuid(facts.st_uid).pw_name == "_hfroot", facts
    assert facts.st_mode & 0o777 == 0o660, oct(facts.st_mode)
