"""An upgrade that fails when it is too late to refuse it: rolled back, or started by its supervisor.

A room that never says that it serves is found out after the exec: its parent executes the old one
again, and the sessions that the room has taken meanwhile finish. A parent that crashes or hangs
after the exec is nobody's to catch: its rooms go on, and a service manager, which has kept the
listeners, starts a good one.
"""

import contextlib
import os
import signal
import subprocess

import processes
from box import MTACTL
from manager import Manager
from upgrade import Witnesses, stand_in
from watch import wait_exit

DEADLINE = 300


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def silent_newcomer(box, witnesses):
    generation = box.mtactl_json("status")["generation"]
    old = processes.room("smtpin").pid
    with stand_in("smtpin", smtpin="silent"):
        asked = subprocess.Popen([MTACTL, "restart"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        with stopped(old):  # so it is the newcomer that greets
            session = box.smtp()
        session.expect(250, "MAIL FROM:<alice@box.example.net>")
        _, said = asked.communicate(timeout=60)
    assert asked.returncode == 70 and b"rolled back: its rooms did not begin to serve" in said, said
    status = box.mtactl_json("status")
    assert status["generation"] == generation, status
    assert "rolled back" in status["last_change"], status
    session.expect(250, "RCPT TO:<bob@box.example.net>")
    session.expect(354, "DATA")
    assert session.body("Subject: to the newcomer\n\nbody\n").code == 250
    session.expect(221, "QUIT")
    witnesses.sent("to the newcomer")
    witnesses.check("after the newcomer")
    assert box.mtactl("restart").returncode == 0


def dead_parent(box, witnesses, manager, act, ending):
    """The parent dies after the exec; what its supervisor starts takes over."""
    manager.wait_for_listeners(2)
    with stand_in("smtpd", resume=act):
        asked = box.mtactl("restart")
        assert asked.returncode == 75 and b"no answer from smtpd" in asked.stderr, asked
        wait_exit(box.daemon.pid, "the daemon")
        assert box.daemon.wait() == -ending, box.daemon.returncode
        witnesses.check(f"without a parent, after {act}")
    manager.start()
    witnesses.check(f"after {act}")
    assert box.mtactl("restart").returncode == 0


def end_orphans(box):
    """They would accept for a minute more, in case that no parent came."""
    known = {room["pid"] for room in box.mtactl_json("status")["rooms"]}
    for process in processes.ours():
        if process.pid not in known:
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(process.pid, signal.SIGKILL)
            wait_exit(process.pid, process.executable)


def run(box):
    box.deaths_expected = True
    manager = Manager(box)
    manager.start()
    witnesses = Witnesses(box)
    silent_newcomer(box, witnesses)
    dead_parent(box, witnesses, manager, "crash", signal.SIGSEGV)
    if box.long:
        dead_parent(box, witnesses, manager, "hang", signal.SIGALRM)
    witnesses.finish()
    end_orphans(box)
