"""A message that waits can be listed, shown, sent on and removed; mailq shows it too."""

import os
import pwd

from box import MAIL


def wrong_owner(path):
    """A mailbox that belongs to someone else: deliveries to it are put off."""
    path.touch(0o600)
    os.chown(path, pwd.getpwnam("alice").pw_uid, 8)


def run(box):
    box.start()
    empty = box.run("alice", ["mailq"])
    assert empty.returncode == 0 and b"queue is empty" in empty.stdout, empty
    wrong_owner(MAIL / "bob")
    for subject in ("stays", "goes"):
        box.submit("alice", ["bob"], f"Subject: {subject}\n\nbody of {subject}\n")
    box.wait_event("deferred", 2)

    listed = box.mtactl_json("queue", "list")
    assert len(listed) == 2, listed
    ids = [entry["id"] for entry in listed]
    plain = box.mtactl("queue", "list")
    assert all(id.encode() in plain.stdout for id in ids), plain
    shown = {id: box.mtactl("queue", "show", id).stdout for id in ids}
    stays, = [id for id in ids if b"body of stays" in shown[id]]
    goes, = [id for id in ids if b"body of goes" in shown[id]]
    mailq = box.run("root", ["mailq"])
    assert stays.encode() in mailq.stdout and b"bob@box.example.net" in mailq.stdout, mailq

    assert box.mtactl("queue", "remove", goes, user="bob").returncode == 77
    assert box.mtactl("queue", "remove", goes).returncode == 0
    assert [entry["id"] for entry in box.mtactl_json("queue", "list")] == [stays]

    (MAIL / "bob").unlink()
    assert box.mtactl("queue", "flush").returncode == 0
    mail, = box.wait_mbox("bob")
    assert mail["Subject"] == "stays", mail
