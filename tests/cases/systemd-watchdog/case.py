"""A parent that hangs is killed by systemd's watchdog and started again; clients are served on."""

import os
import signal

INIT = "systemd"


def run(box):
    box.settings("Service", WatchdogSec="1s")
    box.start()
    pid = box.main_pid()
    session = box.smtp()
    os.kill(pid, signal.SIGSTOP)
    # The rooms need no parent to take mail.
    assert session.mail("a@example.org", ["bob@localhost"], "Subject: hung\n\nbody\n").code == 250
    box.wait_journal("Failed with result 'watchdog'")
    box.wait_successor(pid)
    assert box.property("NRestarts") == "1"
    assert session.mail("a@example.org", ["bob@localhost"], "Subject: later\n\nbody\n").code == 250
    session.socket.close()
    box.wait_mbox("bob", 2)
    # One that lives is left alone, also when it has become another program.
    assert box.mtactl("restart").returncode == 0
    pid = box.main_pid()
    box.pass_seconds(3)
    assert box.main_pid() == pid and box.property("NRestarts") == "1"
