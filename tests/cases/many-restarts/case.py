"""F14: many restarts leave nothing behind: descriptors, memory, zombies, threads, locks, files."""

import os
import pathlib

import processes
import tls
from box import CONTROL, SPOOL
from watch import wait_until

DEADLINE = 600
ROOT = "tls"
WARM = 10
LOOKS = 20
PROGRAMS = {"smtpd", "smtpin", "control", "qmgr", "signer", "users"}
MARGIN = 1.1  # of memory of its own, for a heap that has not found its shape yet


def field(path, name):
    """A number of /proc: the one behind `name`."""
    for line in path.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise AssertionError(f"{path} has no {name}")


def zombies():
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text.rsplit(")", 1)[1].split()[0] == "Z":
            found.append(text)
    return len(found)


def facts_of(pid):
    folder = pathlib.Path("/proc") / str(pid)
    kinds = []
    for fd in (folder / "fd").iterdir():
        try:
            kinds.append(os.readlink(fd).split(":")[0])
        except FileNotFoundError:
            continue  # just closed
    return {"descriptors": sorted(kinds), "threads": field(folder / "status", "Threads")}


def memory_of(pid):
    return field(pathlib.Path("/proc") / str(pid) / "smaps_rollup", "Pss_Anon")


def look(box):
    """What there is, when all older generations have ended."""
    wait_until(lambda: not box.mtactl_json("status")["draining"], "older generations to end",
               [box.log], seconds=30)
    wait_until(lambda: len(processes.ours()) == len(PROGRAMS), "a process each", [box.log])
    ours = {process.executable.rsplit("/", 1)[1].removesuffix(" (deleted)"): process.pid
            for process in processes.ours()}
    things = {name: facts_of(pid) for name, pid in ours.items()}
    things["zombies"] = zombies()
    things["locks"] = len(pathlib.Path("/proc/locks").read_text().splitlines())
    things["run"] = sorted(path.name for path in CONTROL.parent.iterdir())
    things["spool"] = sorted(str(path) for path in SPOOL.rglob("*"))
    return things, {name: memory_of(pid) for name, pid in ours.items()}


def settled(box, expected=None):
    """Looks again while control may be about to close the connection that the last look took."""
    now = look(box)
    for _ in range(LOOKS):
        last, now = now, look(box)
        if now[0] == (expected or last[0]):
            break
    return now


def run(box):
    rounds = 500 if box.long else 30
    tls.install_own()
    box.start()
    pid, control = box.daemon.pid, CONTROL.stat().st_ino
    for number in range(1, rounds + 1):
        done = box.mtactl("restart")
        assert done.returncode == 0, f"restart {number}: {done}"
        if number == WARM:
            before, memory_before = settled(box)
    after, memory_after = settled(box, before)
    print(memory_before, memory_after)
    differing = {name: (before.get(name), after.get(name)) for name in before | after
                 if before.get(name) != after.get(name)}
    assert not differing, differing
    grown = {name: (memory_before[name], now) for name, now in memory_after.items()
             if now > memory_before[name] * MARGIN + 100}
    assert not grown, f"KiB: {grown}"
    assert set(memory_after) == PROGRAMS, memory_after
    assert box.daemon.poll() is None and box.daemon.pid == pid
    assert CONTROL.stat().st_ino == control, "the control socket is another one"
    assert not box.events("stray-descriptor"), box.events("stray-descriptor")
