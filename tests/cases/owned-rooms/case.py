"""Each room, taken over, can do nothing of what it would try next, and takes nobody along.

A stand-in (tests/owned) takes the room's place: it confines itself as the room does, tries every
act and logs what came of it, then sends random bytes to everybody it was introduced to. Its
exposed twin, without the confinement, succeeds at each act: so the test can fail.
"""

import contextlib
import pathlib
import shutil

import processes
import tls
from box import CONFIG
from watch import wait_until

DEADLINE = 180
ROOMS = ("smtpin", "control", "qmgr", "users", "signer", "relay", "mda")
ROOT = "tls"
# Without these statements the room does not run.
NEEDS = {"signer": f"cert box.example.net {tls.LIVE}\n",
         "relay": "relay nobody smtp://127.0.0.1:1 tls none\n"}
LIBEXEC = pathlib.Path("/usr/libexec/holdfast")
STAND_INS = pathlib.Path("/build/tests/owned")
ACTS = {"read-shadow", "read-key", "list-spool", "write-file", "execute", "start-process", "trace",
        "signal", "read-memory-file", "read-memory", "connect", "bind", "listen", "become-root",
        "run-written-code", "new-namespace", "type-at-terminal", "change-terminal",
        "signal-by-descriptor", "limit-another"}
ALLOWED = {"relay": {"connect", "bind"}}  # from an address of its own


@contextlib.contextmanager
def house_with(box, stand_in, room):
    """The daemon runs with a stand-in for the room; gives the number of events before that."""
    before = len(box.events())
    real = LIBEXEC / room
    original = real.with_suffix(".real")
    real.rename(original)
    shutil.copy(STAND_INS / f"{stand_in}-{room}", real)
    CONFIG.write_text(NEEDS.get(room, ""))
    box.start()
    yield before
    box.stop_at_once()
    original.rename(real)


def acts_of(box, room, before):
    """Each act that the stand-in tries, and whether it worked."""
    if room == "mda":  # is there only for a delivery
        box.submit("alice", ["bob"], "Subject: x\n\nbody\n")
    wait_until(lambda: any(event.name == "attacked" for event in box.events()[before:]),
               f"the attack of {room}", [box.log])
    return {event["name"]: event["worked"] for event in box.events()[before:]
            if event.name == "act"}


def others(box, room):
    """The parent and the rooms that are not attackers (nor the parent's fork of one)."""
    return {process.pid for process in processes.ours() if process.pid == box.daemon.pid
            or not process.executable.endswith((f"/{room}", "/mda", "/smtpd"))}


def take_over(box, room):
    with house_with(box, "owned", room) as before:
        alive = others(box, room)
        acts = acts_of(box, room, before)
        assert acts.keys() == ACTS, f"{room}: {acts}"
        worked = {act for act, worked in acts.items() if worked == "yes"}
        assert worked == ALLOWED.get(room, set()), f"{room}: {acts}"
        # By then everybody has read what it sent.
        wait_until(lambda: any(event.name in ("room-ended", "agent-ended")
                               for event in box.events()[before:]), f"the end of {room}", [box.log])
        assert others(box, room) == alive, f"{room}: {alive} became {others(box, room)}"


def expose(box, room):
    with house_with(box, "exposed", room) as before:
        acts = acts_of(box, room, before)
        failed = {act for act, worked in acts.items() if worked == "no"}
        assert not failed, f"without confinement {room} failed at {failed}"


def run(box):
    box.deaths_expected = True
    tls.install_own()
    for room in ROOMS:
        take_over(box, room)
        expose(box, room)
    # And the house stands: with the real rooms back, mail arrives.
    box.start()
    assert box.mtactl("queue", "flush").returncode == 0  # what the stand-ins did not deliver
    box.submit("alice", ["alice"], "Subject: still here\n\nbody\n")
    assert any(mail["Subject"] == "still here" for mail in box.wait_mbox("alice"))
