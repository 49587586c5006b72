"""Before the daemon serves, whoever asks how it is gets an answer, and a stop leaves nothing."""

import json
import signal
import subprocess

import processes
from box import CONTROL, ENVIRONMENT, SMTPD
from upgrade import stand_in
from watch import wait_exit, wait_until


def start(box):
    with open(box.log, "ab") as log:
        return subprocess.Popen([SMTPD, "-d"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=ENVIRONMENT)


def left_nothing(daemon):
    wait_exit(daemon.pid, "the daemon")
    assert daemon.wait() == 0, daemon.returncode
    assert not processes.ours(), f"left running: {processes.ours()}"
    assert not CONTROL.exists(), f"{CONTROL} is left after a clean stop"


def run(box):
    with stand_in("smtpin", smtpin="silent"):  # it never says that it serves
        daemon = start(box)
        wait_until(CONTROL.exists, "the control socket", [CONTROL, CONTROL.parent.parent])
        done = box.mtactl("status", "--json")
        assert done.returncode == 0, done
        rooms = {room["room"] for room in json.loads(done.stdout)["rooms"]}
        assert {"parent", "smtpin", "control", "qmgr", "users"} <= rooms, rooms
        assert daemon.poll() is None, f"the daemon ended with {daemon.returncode}"
        assert not box.events("serving")
        daemon.terminate()
        left_nothing(daemon)

        daemon = start(box)
        wait_until(CONTROL.exists, "the control socket", [CONTROL, CONTROL.parent.parent])
        done = box.mtactl("stop")  # said by a room that the daemon is about to end
        assert done.returncode == 0, done
        left_nothing(daemon)

    with stand_in("smtpin", smtpin="hang"):  # it never comes so far as to be told to serve
        daemon = start(box)
        wait_until(lambda: any(process.executable.endswith("/smtpin") for process in processes.ours()),
                   "the room", ["/run/stand-in"], [daemon.pid], opened=True)
        daemon.send_signal(signal.SIGTERM)
        left_nothing(daemon)
