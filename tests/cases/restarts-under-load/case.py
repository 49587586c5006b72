"""Restarts under load: no connection is refused, no session cut, no message lost or doubled."""

from hammer import Hammer

DEADLINE = 7200


def run(box):
    box.start()
    pid = box.daemon.pid
    with Hammer("--control", "/run/holdfast/control", "--control-rate", "100", rate=400, mail=2,
                held=60, hold=2) as load:
        for _ in range(1000 if box.long else 10):
            done = box.mtactl("restart")
            assert done.returncode == 0, done
    load.check(box)
    assert box.daemon.poll() is None and box.daemon.pid == pid
