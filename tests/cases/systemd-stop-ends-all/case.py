"""`systemctl stop` ends all of the service: also rooms that a restart or a crash has left behind."""

import os
import signal
import socket
import time

from smtp import Session
from watch import SLOWER, wait_exit

INIT = "systemd"
LIMIT = 20  # smtpd(8), SIGTERM


def session_in_data():
    session = Session()
    session.expect(250, "EHLO client.example.org")
    session.expect(250, "MAIL FROM:<a@example.org>")
    session.expect(250, "RCPT TO:<bob@localhost>")
    session.expect(354, "DATA")
    session.send("Subject: half\r\n\r\nfirst half\r\n")
    return session


def refused():
    try:
        socket.create_connection(("127.0.0.1", 25), timeout=5).close()
        return False
    except ConnectionRefusedError:
        return True


def stopped_with(box, idle, writing):
    """What is in hand is finished, and then nobody is there."""
    box.ask("stop")
    assert idle.reply().code == 421
    idle.socket.close()
    assert writing.command("second half\r\n.").code == 250
    assert writing.reply().code == 421
    writing.socket.close()
    box.wait_state("inactive/dead")
    box.assert_stopped()
    assert refused()


def after_restart(box):
    idle, writing = box.smtp(), session_in_data()
    box.command("restart")
    idle.expect(250, "NOOP")
    stopped_with(box, idle, writing)


def after_crash(box):
    """The rooms of a parent that was killed would take connections for another minute."""
    idle, writing = box.smtp(), session_in_data()
    pid = box.main_pid()
    os.kill(pid, signal.SIGKILL)
    wait_exit(pid, "smtpd")
    box.wait_successor(pid)
    idle.expect(250, "NOOP")
    stopped_with(box, idle, writing)


def who_never_ends(box):
    """What is not finished in time is cut off, whoever started its room."""
    before = session_in_data()
    box.command("restart")
    after = session_in_data()
    started = time.monotonic()
    box.stop()
    took = time.monotonic() - started
    assert LIMIT <= took < LIMIT + 5 * SLOWER, f"{took} s"
    for session in before, after:
        session.socket.close()


def run(box):
    box.start()
    after_restart(box)
    box.start()
    after_crash(box)
    box.start()
    box.wait_mbox("bob", 2)
    if box.long:
        box.deaths_expected = True
        who_never_ends(box)
