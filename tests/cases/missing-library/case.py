"""A library that the running programs need is replaced: what is pinned cannot be started again.

As when a distribution changes the name of a library: the old one goes, and the programs that are
installed now need the new one. The rooms that live go on; a reload says why it cannot be; and when
a room dies, the installed programs take over by themselves.
"""

import os
import pathlib
import signal

from upgrade import Witnesses, install, path_of
from watch import wait_until

OLD, NEW = b"libevent_core-2.1.so.7", b"libewent_core-2.1.so.7"
FOLDER = pathlib.Path("/usr/lib/x86_64-linux-gnu")
PROGRAMS = ("smtpin", "control", "qmgr", "users", "signer", "probe", "mda")


def upgrade():
    old = FOLDER / OLD.decode()
    (FOLDER / NEW.decode()).write_bytes(old.read_bytes())
    for program in PROGRAMS:
        path = path_of(program)
        install(path, path.read_bytes().replace(OLD, NEW))
    old.unlink()


def run(box):
    box.deaths_expected = True
    box.start()
    pid = box.daemon.pid
    witnesses = Witnesses(box)
    upgrade()
    witnesses.check("with the library gone")

    refused = box.mtactl("reload")
    assert refused.returncode == 70 and b"a shared library is missing" in refused.stderr, refused
    witnesses.check("after the reload")
    assert not box.events("programs-gone")

    pids = {room["room"]: room["pid"] for room in box.mtactl_json("status")["rooms"]}
    os.kill(pids["control"], signal.SIGKILL)
    box.wait_event("programs-gone")
    wait_until(lambda: len(box.events("serving")) == 2, "the new programs to serve", [box.log])
    wait_until(lambda: box.mtactl_json("status")["last_change"] == "restart: done",
               "the restart to be done", [box.log])
    witnesses.check("with the new programs")
    assert box.mtactl("reload").returncode == 0
    witnesses.finish()
    assert box.daemon.poll() is None and box.daemon.pid == pid
