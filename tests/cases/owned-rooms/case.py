"""Each room, taken over, can do nothing of what it would try next, and takes nobody along.

A stand-in (tests/owned) takes the room's place: it confines itself as the room does, tries every
act and logs what came of it, then sends random bytes to everybody it was introduced to. Its
exposed twin, without the confinement, succeeds at each act: so the test can fail.
"""

import pathlib
import shutil

import processes

DEADLINE = 180
ROOMS = ("smtpin", "control", "qmgr", "users", "mda")
LIBEXEC = pathlib.Path("/usr/libexec/holdfast")
STAND_INS = pathlib.Path("/build/tests/owned")
ACTS = {"read-shadow", "list-spool", "write-file", "execute", "start-process", "trace", "signal",
        "read-memory-file", "read-memory", "connect", "bind", "become-root", "run-written-code",
        "new-namespace", "type-at-terminal", "change-terminal", "signal-by-descriptor",
        "limit-another"}
# What a room is there for is no act of an attacker. qmgr sees the spool, and there by another path.
ALLOWED = {}


def replace(room, stand_in):
    real = LIBEXEC / room
    original = real.with_suffix(".real")
    real.rename(original)
    shutil.copy(STAND_INS / f"{stand_in}-{room}", real)
    return original


def acts(box, before):
    events = box.events("act")[before:]
    return {event["name"]: event["worked"] for event in events}


def provoke(box, room):
    """An mda is there only for a delivery."""
    if room == "mda":
        assert box.sendmail("alice", ["bob"], "Subject: x\n\nbody\n").returncode == 0


def others(box, room):
    """The parent and the rooms that are not attackers (nor the parent's fork of one)."""
    return {process.pid for process in processes.ours() if process.pid == box.daemon.pid
            or not process.executable.endswith((f"/{room}", "/mda", "/smtpd"))}


def take_over(box, room):
    before = len(box.events("act"))
    attacks = len(box.events("attacked"))
    original = replace(room, "owned")
    box.start()
    alive = others(box, room)
    provoke(box, room)
    box.wait_event("attacked", attacks + 1)
    worked = {act for act, result in acts(box, before).items() if result == "yes"}
    assert set(acts(box, before)) == ACTS, acts(box, before)
    assert worked == ALLOWED.get(room, set()), f"{room} could: {worked}"
    assert others(box, room) == alive, f"{room} took others along: {alive} became {others(box, room)}"
    box.stop_at_once()
    original.rename(LIBEXEC / room)


def expose(box, room):
    before = len(box.events("act"))
    attacks = len(box.events("attacked"))
    original = replace(room, "exposed")
    box.start()
    provoke(box, room)
    box.wait_event("attacked", attacks + 1)
    failed = {act for act, result in acts(box, before).items() if result == "no"}
    assert not failed, f"without confinement {room} failed at {failed}"
    box.stop_at_once()
    original.rename(LIBEXEC / room)


def run(box):
    box.deaths_expected = True
    for room in ROOMS:
        take_over(box, room)
        expose(box, room)
    # And the house stands: with the real rooms back, mail arrives.
    box.start()
    assert box.mtactl("queue", "flush").returncode == 0  # what the stand-ins did not deliver
    box.submit("alice", ["alice"], "Subject: still here\n\nbody\n")
    assert any(mail["Subject"] == "still here" for mail in box.wait_mbox("alice"))
