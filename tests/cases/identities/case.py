"""While a delivery is held open, ps shows the parent, six rooms and the mda as eight users."""

import fcntl
import os
import pwd

import processes
import tls
from box import MAIL
from watch import wait_until

ROOT = "tls"
EXPECTED = {"smtpd": "root", "smtpin": "_hfsmtp", "control": "_hfctl", "qmgr": "_hfqueue",
            "users": "_hfuser", "signer": "_hfkeys", "relay": "_hfrelay", "mda": "bob"}


def as_ps_shows(box):
    done = box.run("root", ["ps", "-eo", "comm=,euser:20="])
    return dict(line.split() for line in done.stdout.decode().splitlines()
                if line.split()[0] in EXPECTED)


def identities():
    mda = [process for process in processes.ours() if process.executable.endswith("/mda")]
    return mda and mda[0].euid == pwd.getpwnam("bob").pw_uid


def run(box):
    tls.install_own()
    box.start()
    mailbox = MAIL / "bob"
    mailbox.touch(0o600)
    os.chown(mailbox, pwd.getpwnam("bob").pw_uid, pwd.getpwnam("bob").pw_gid)
    with open(mailbox, "r+b") as reader:  # a mail reader that holds its lock
        fcntl.lockf(reader, fcntl.LOCK_EX)
        box.submit("alice", ["bob"], "Subject: held\n\nbody\n")
        wait_until(identities, "an mda that runs as bob", [MAIL, mailbox, box.log], opened=True)
        assert as_ps_shows(box) == EXPECTED, as_ps_shows(box)
        assert len(processes.ours()) == 8, processes.ours()
    mail, = box.wait_mbox("bob")
    assert mail["Subject"] == "held", mail
