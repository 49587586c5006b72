"""The init script of machines without systemd: each action and its exit status; restart is the atomic one."""

import os
import pathlib
import signal
import subprocess

import processes
import runlevel
from box import CONFIG
from hammer import Hammer
from service import LOCK, SCRIPT, Service
from watch import wait_exit, wait_until

ROOT = "sysv"
DEADLINE = 400

GOOD = "listen localhost:25\nlocal maildir ~/Maildir\nlimit sessions 2000 per-client 100\n"
BROKEN = "listen localhost:25\nlocal maildirr ~/Maildir\n"
# How an admin, and a package, call the script.
PROGRAMS = ((SCRIPT,), ("service", "holdfast"), ("invoke-rc.d", "holdfast"))
CHANGES = [*((action, program) for action in ("restart", "reload") for program in PROGRAMS),
           ("try-restart", PROGRAMS[0]), ("force-reload", PROGRAMS[0])]


def expect(done, status, *texts):
    assert done.returncode == status, done
    for text in texts:
        assert text in done.stdout + done.stderr, f"{text!r} is missing: {done}"
    return done


def not_running(service):
    """Nothing has been started: what each action does then."""
    assert not LOCK.exists()
    expect(service.call("status"), 3, b"holdfast is not running")
    expect(service.call("stop"), 0)
    expect(service.call("try-restart"), 0)
    expect(service.call("reload"), 7, b"holdfast is not running")
    expect(service.call("force-reload"), 7, b"holdfast is not running")
    expect(service.call("fly"), 2, b"usage: ")
    assert not processes.ours(), processes.ours()


def refused_start(service):
    """The admin reads on the terminal what is wrong, and nothing is left running."""
    CONFIG.write_text(BROKEN)
    done = expect(service.call("start"), 78)
    assert b"/etc/holdfast/smtpd.conf:2:" in done.stderr, done
    assert not processes.ours(), processes.ours()
    expect(service.call("status"), 3)
    CONFIG.write_text(GOOD)


def start(box, service):
    """It serves when the command returns, logs to /dev/log, and has let go of the terminal."""
    expect(service.call("start"), 0, b"Starting mail system")
    box.smtp().expect(221, "QUIT")
    pid = service.pid()
    wait_until(lambda: any(event.pid == pid for event in box.events("serving")), "its first word",
               [box.log])
    for number in range(3):
        assert os.readlink(f"/proc/{pid}/fd/{number}") == "/dev/null"
    assert os.getsid(pid) == pid
    expect(service.call("start"), 0)
    assert service.pid() == pid, "the second start found the first one"
    return pid


def status(box, service, pid):
    """Everybody may ask, and asking keeps no daemon from starting."""
    expect(service.call("status"), 0, f"process {pid}\n".encode())
    for program in PROGRAMS:
        expect(service.call("status", program), 0)
    expect(box.run("alice", [SCRIPT, "status"]), 0, f"process {pid}\n".encode())
    hidden = ["unshare", "--mount", "sh", "-c", f"umount -l /proc; exec {SCRIPT} status"]
    expect(box.run("root", hidden), 4, b"/proc/locks")


def restart(box, service, pid):
    """In place, whoever asks for it: sessions live, nobody is refused, the process stays."""
    with Hammer() as load:
        box.wait_event("delivered")  # it is at work
        session = box.smtp()
        for action, program in CHANGES:
            before = len(box.events("serving"))
            expect(service.call(action, program), 0)
            assert len(box.wait_event("serving", before + 1)) == before + 1
            assert service.pid() == pid
        assert len(box.events("restarting")) == len(PROGRAMS) + 1, "restart and try-restart restart"
        session.expect(250, "MAIL FROM:<alice@localhost>")
        session.expect(221, "QUIT")
    load.check(box)


def refused_restart(box, service, pid):
    """What is broken is said, and the old one serves on."""
    CONFIG.write_text(BROKEN)
    for action, program in CHANGES:
        expect(service.call(action, program), 78, b"/etc/holdfast/smtpd.conf:2:")
        assert service.pid() == pid
        box.smtp().expect(221, "QUIT")
    CONFIG.write_text(GOOD)
    expect(service.call("restart"), 0)


def killed(box, service):
    """A daemon that was killed is told from one that was stopped; start takes over from its rooms."""
    os.kill(service.pid(), signal.SIGKILL)
    wait_exit(service.pid(), "smtpd")
    expect(service.call("status"), 1, b"was not stopped")
    pid = start(box, service)
    expect(service.call("status"), 0, f"process {pid}\n".encode())


def asked_while_starting(box, service):
    """Many who ask for the status at that moment are in nobody's way."""
    service.stop()
    asking = ["sh", "-c", f"while :; do {SCRIPT} status; done"]
    askers = [subprocess.Popen(asking, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
              for _ in range(4)]
    try:
        for _ in range(50 if box.long else 5):
            service.start()
            service.stop()
    finally:
        for asker in askers:
            asker.kill()
            asker.wait()
    service.start()


def removed(box, service):
    """The package is gone and its configuration is not: the script does nothing, and does not fail."""
    program = pathlib.Path("/usr/sbin/smtpd")
    program.rename("/usr/sbin/elsewhere")
    for action in ("start", "restart", "reload"):
        done = expect(service.call(action), 0)
        assert (done.stdout, done.stderr) == (b"", b""), done
    pathlib.Path("/usr/sbin/elsewhere").rename(program)


def run(box):
    runlevel.enter(2)
    service = Service(box)
    not_running(service)
    refused_start(service)
    pid = start(box, service)
    status(box, service, pid)
    restart(box, service, pid)
    refused_restart(box, service, pid)
    killed(box, service)
    asked_while_starting(box, service)
    service.stop()
    expect(service.call("status"), 3, b"holdfast is not running")
    assert not processes.ours(), processes.ours()
    expect(service.call("restart"), 0)
    expect(service.call("status"), 0)
    removed(box, service)
    service.stop()
