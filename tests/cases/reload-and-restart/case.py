"""Reload and restart: same process, new rooms, and once they are answered the new rules for whoever comes.

The answer waits for the rooms of before, which say when they accept nobody any more; one that does
not say so is not waited for for ever.
"""

import os
import signal
import subprocess

import processes
from box import CONFIG, MTACTL
from watch import wait_exit, wait_until


def configure(number):
    new = CONFIG.with_name("smtpd.conf.new")
    new.write_text(f"listen localhost:25\nlimit drain 1s up-to 2s\nlimit message {number}\n")
    os.rename(new, CONFIG)


def generation(box):
    return box.mtactl_json("status")["generation"]


def last_change(box):
    return box.mtactl_json("status")["last_change"]


def check_served_by(box, number):
    with box.smtp() as session:
        assert f"SIZE {number}" in session.expect(250, "EHLO client.example.org").text


def in_place(box):
    """The process stays; mail goes on; the new configuration is in force when it is answered."""
    pid, before = box.daemon.pid, generation(box)
    for number, order in enumerate(("reload", "restart", "reload", "restart"), 1):
        configure(1_000_000 + number)
        done = box.mtactl(order)
        assert done.returncode == 0, done
        assert f"limit message {1_000_000 + number}".encode() in done.stdout, done
        check_served_by(box, 1_000_000 + number)
        box.submit("alice", ["bob"], f"Subject: {number}\n\n{number}\n")
        assert generation(box) == before + number
    assert box.daemon.poll() is None and box.daemon.pid == pid
    box.wait_mbox("bob", 4)


def frozen(box, room, order, ask):
    """Asks for `order` while that room cannot say that it lets go: served by the new one, not done."""
    old = processes.room(room)
    number = generation(box) + 2_000_000
    configure(number)
    serving = len(box.events("serving"))
    assert not last_change(box).startswith(order), "take turns"
    os.kill(old.pid, signal.SIGSTOP)
    asked = ask()
    box.wait_event("serving", serving + 1)
    check_served_by(box, number)
    assert not last_change(box).startswith(order), f"done while {room} is frozen"
    return old, asked


def frozen_smtpin(box, order):
    return frozen(box, "smtpin", order, lambda: subprocess.Popen(
        [MTACTL, order], stdout=subprocess.PIPE, stderr=subprocess.PIPE))


def frozen_control(box, order):
    """Which could not pass on what mtactl asks."""
    by_signal = {"reload": signal.SIGHUP, "restart": signal.SIGUSR2}[order]
    return frozen(box, "control", order, lambda: box.daemon.send_signal(by_signal))[0]


def check_answered(client):
    out, error = client.communicate(timeout=60)
    assert (client.returncode, error) == (0, b""), (client.returncode, out, error)


def overdue(box):
    """One that never ends is killed a minute after its last limit."""
    old, client = frozen_smtpin(box, "reload")
    check_answered(client)
    box.wait_event("drain-overdue", seconds=90)
    wait_exit(old.pid, "smtpin")


def run(box):
    configure(1_000_000)
    box.start()
    in_place(box)
    for order in ("reload", "restart"):
        old, client = frozen_smtpin(box, order)
        os.kill(old.pid, signal.SIGCONT)
        check_answered(client)
        wait_exit(old.pid, "smtpin")
    for order in ("reload", "restart"):
        old = frozen_control(box, order)
        os.kill(old.pid, signal.SIGCONT)
        wait_until(lambda: last_change(box) == f"{order}: done", "the end of it", [box.log])
        wait_exit(old.pid, "control")
    assert not box.events("still-accepts")
    # It is not waited for for ever.
    old, client = frozen_smtpin(box, "reload")
    check_answered(client)
    assert len(box.events("still-accepts")) == 1
    os.kill(old.pid, signal.SIGCONT)
    wait_exit(old.pid, "smtpin")
    # One that ends has nothing to say.
    old, client = frozen_smtpin(box, "restart")
    box.deaths_expected = True
    os.kill(old.pid, signal.SIGKILL)
    check_answered(client)
    assert len(box.events("still-accepts")) == 1
    if box.long:
        overdue(box)
    wait_until(lambda: not box.mtactl_json("status")["draining"], "older generations to end",
               [box.log])
