"""Who asks how the daemon is before it serves gets an answer, and the daemon goes on starting."""

import json
import subprocess

from box import CONTROL, ENVIRONMENT, SMTPD
from upgrade import stand_in
from watch import wait_exit, wait_until


def run(box):
    with stand_in("smtpin", smtpin="silent"):  # it never says that it serves
        with open(box.log, "ab") as log:
            daemon = subprocess.Popen([SMTPD, "-d"], stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log, env=ENVIRONMENT)
        wait_until(CONTROL.exists, "the control socket", [CONTROL, CONTROL.parent.parent])
        done = box.mtactl("status", "--json")
        assert done.returncode == 0, done
        rooms = {room["room"] for room in json.loads(done.stdout)["rooms"]}
        assert {"parent", "smtpin", "control", "qmgr", "users"} <= rooms, rooms
        assert daemon.poll() is None, f"the daemon ended with {daemon.returncode}"
        assert not box.events("serving")
        daemon.terminate()
        wait_exit(daemon.pid, "the daemon")
        assert daemon.wait() == 0, daemon.returncode
