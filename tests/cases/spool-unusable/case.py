"""A start with a spool that cannot be used says so on the terminal, with its path, and ends with 72."""

import os
import shutil

import processes
from box import SPOOL


def start_fails(box, *words):
    for command in (["smtpd", "-d"], ["smtpd"]):
        done = box.run("root", command)
        assert done.returncode == 72, done
        assert done.stderr.count(b"\n") == 1 and done.stderr.startswith(b"smtpd: "), done
        for word in words:
            assert word.encode() in done.stderr, (word, done)
        assert not processes.ours(), processes.ours()


def run(box):
    facts = SPOOL.stat()
    mend = f"chown {facts.st_uid}:{facts.st_gid} {SPOOL}"
    os.chown(SPOOL, 0, 0)
    start_fails(box, "belongs to uid 0", mend)
    os.chown(SPOOL, facts.st_uid, facts.st_gid)
    os.chown(SPOOL / "queue", 0, 0)
    start_fails(box, f"{SPOOL}/queue")

    shutil.rmtree(SPOOL)
    start_fails(box, f"{SPOOL} is missing")
    os.mkdir(SPOOL, 0o711)
    os.chown(SPOOL, facts.st_uid, facts.st_gid)
    box.start()
    box.submit("alice", ["bob"], "Subject: all is well\n\nbody\n")
    assert box.wait_mbox("bob")[0]["Subject"] == "all is well"
