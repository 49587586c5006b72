"""dpkg upgrades the running daemon in place, without a session noticing; a broken package leaves the old one serving."""

import pathlib
import subprocess

import packages
import processes
import runlevel
from box import CONFIG, SPOOL
from hammer import Hammer
from service import Service
from watch import wait_until

ROOT = "sysv"
DEADLINE = 900


def dpkg(box, *arguments):
    return box.run("root", ["dpkg", *map(str, arguments)])


def install(box, package):
    done = dpkg(box, "-i", package)
    assert done.returncode == 0, done
    return done


def running(box):
    """The version that serves, and the process of each room of the generation that does."""
    status = box.mtactl_json("status")
    rooms = {room["room"]: room["pid"] for room in status["rooms"]
             if room["generation"] == status["generation"] and room["room"] != "mda"}
    return status["version"], rooms


def upgrade_under_load(box, service, package):
    """New programs, the same process, and nobody noticed."""
    pid = service.pid()
    delivered = len(box.events("delivered"))
    with Hammer() as load:
        box.wait_event("delivered", delivered + 1)  # it is at work
        session = box.smtp()
        stops = len(box.events("stopping"))
        generation = box.mtactl_json("status")["generation"]
        install(box, package)
        session.expect(250, "MAIL FROM:<alice@localhost>")
        session.expect(221, "QUIT")
    load.check(box)
    assert service.pid() == pid
    assert len(box.events("stopping")) == stops, "never stop and start"
    assert box.mtactl_json("status")["generation"] == generation + 1


def cannot_run(tree):
    """A build for a machine that this is not: the kernel refuses to execute it."""
    program = tree / "usr/sbin/smtpd"
    program.write_bytes(b"\x7fELF" + b"\0" * 60)


def cannot_serve(tree):
    """smtpd is well, and one of its rooms is not."""
    room = tree / "usr/libexec/holdfast/qmgr"
    room.write_text("#!/bin/sh\nexit 70\n")


def broken_upgrade(box, service, package):
    """dpkg tells that it went wrong, and what runs goes on: all rooms, of the old version."""
    before = running(box)
    with Hammer() as load:
        done = dpkg(box, "-i", package)
        assert done.returncode != 0, done
        assert b"mtactl: " in done.stderr, f"the reason is missing: {done}"
    load.check(box)
    assert packages.version().endswith("half-configured"), packages.version()
    assert running(box) == before, (running(box), before)
    again = dpkg(box, "--configure", "holdfast")
    assert again.returncode != 0, again


def not_running(box, service, package):
    """What is stopped is started again by an upgrade, in runlevel 2."""
    service.stop()
    install(box, package)
    assert service.pid() and running(box)[0] == packages.version().split()[0]


def removal(box, service):
    """Stops cleanly; mail and configuration stay. What comes meanwhile waits in drop/."""
    pid = service.pid()
    done = dpkg(box, "--remove", "--force-depends", "holdfast")
    assert done.returncode == 0, done
    assert not processes.ours(), processes.ours()
    wait_until(lambda: any(event.pid == pid for event in box.events("stopped")), "its last word",
               [box.log])
    assert not pathlib.Path("/run/holdfast").exists()
    assert SPOOL.is_dir() and CONFIG.exists()
    assert not pathlib.Path("/usr/sbin/sendmail").exists()


def purge(box, package):
    """Takes the configuration; the spool too, where no mail is in it."""
    waiting = SPOOL / "queue" / "waits"
    waiting.write_text("mail\n")
    done = dpkg(box, "--purge", "--force-depends", "holdfast")
    assert done.returncode == 0 and b"unsent mail" in done.stderr, done
    assert waiting.exists()
    waiting.unlink()
    install_again_and_purge(box, package)
    for gone in ("/etc/holdfast", "/etc/init.d/holdfast", str(SPOOL), "/run/holdfast"):
        assert not pathlib.Path(gone).exists(), gone
    left = subprocess.run("ls /etc/rc?.d | grep holdfast", shell=True, capture_output=True)
    assert left.stdout == b"", left


def install_again_and_purge(box, package):
    done = dpkg(box, "-i", "--force-depends", package)
    assert done.returncode == 0, done
    done = dpkg(box, "--purge", "--force-depends", "holdfast")
    assert done.returncode == 0 and b"unsent mail" not in done.stderr, done
    assert not processes.ours(), processes.ours()


def run(box):
    runlevel.enter(2)
    original = packages.original()
    major, minor, patch = original.name.split("_")[1].split(".")
    later = [f"{major}.{minor}.{(int(patch) + step) % 10}" for step in range(1, 4)]
    service = Service(box)
    service.start()
    good = packages.make(original, later[0])
    upgrade_under_load(box, service, good)
    assert running(box)[0] == later[0]
    broken_upgrade(box, service, packages.make(original, later[1], cannot_run))
    broken_upgrade(box, service, packages.make(original, later[2], cannot_serve))
    for round_number in range(20 if box.long else 1):
        upgrade_under_load(box, service, original if round_number % 2 == 0 else good)
    assert packages.version().endswith(" installed"), packages.version()
    not_running(box, service, original)
    removal(box, service)
    purge(box, original)
