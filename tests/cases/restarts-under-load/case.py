"""Restarts under load: no connection is refused, no session cut, no message lost or doubled.

The load comes by TCP, through STARTTLS and at the control socket, and holds sessions in every state
that one has, in the clear and under TLS.
"""

import tls
from hammer import Hammer

ROOT = "tls"
DEADLINE = 7200


def run(box):
    tls.install(tls.Pair("mx.example.net"), "mx")
    box.start()
    pid = box.daemon.pid
    wanted = {"rate": 300, "tls_rate": 60, "control_rate": 100, "held": 60, "tls_held": 30,
              "hold": 2}
    if box.long:
        # 2,000 connections a second, 200 sessions held. No more than four generations live at a
        # time: sessions that are held for less let the restarts follow each other sooner.
        wanted = {"rate": 1500, "tls_rate": 300, "control_rate": 200, "held": 120, "tls_held": 80,
                  "hold": 0.5}
    with Hammer(mail=2, **wanted) as load:
        for _ in range(1000 if box.long else 10):
            done = box.mtactl("restart")
            assert done.returncode == 0, done
    load.check(box)
    assert box.daemon.poll() is None and box.daemon.pid == pid
