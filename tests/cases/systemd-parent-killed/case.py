"""The parent is killed: systemd starts it again within 2 s, and no client notices."""

import os
import signal
import time

from hammer import Hammer
from watch import SLOWER, wait_exit

INIT = "systemd"
DEADLINE = 400


def kill_parent(box):
    pid = box.main_pid()
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    wait_exit(pid, "smtpd")
    box.submit("alice", ["alice"], f"Subject: while {pid} is gone\n\nbody\n")
    took = box.wait_successor(pid) - killed
    print(f"back after {took:.3f} s")
    assert took < 2 * SLOWER, f"back after {took} s"


def run(box):
    box.settings("Unit", StartLimitIntervalSec="0")
    box.start()
    with Hammer(mail=1) as load:
        kills = 50 if box.long else 3
        for _ in range(kills):
            kill_parent(box)
    assert box.property("NRestarts") == str(kills)
    load.check(box)
    box.wait_maildir("alice", kills)
