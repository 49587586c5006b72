"""Parent and rooms are killed at each of their system calls during restarts; nothing is lost.

The parent's calls are those from the order to the verdict. Of the rooms: those that end, from the
order on, and those that begin, in the rehearsal and in earnest, from their first call on. Whoever
has lost its parent to this gets a new one at once, as a service manager would start it.
"""

import json
import signal
import statistics
import subprocess
import threading
import time

import tls
from ledger import Ledger, sendmail_client, smtp_client
from watch import SLOWER, Inotify, wait_until

DEADLINE = 14400
KILLER = "/build/tests/killer/killer"
IN_MOVED_FROM, IN_DELETE = 0x40, 0x200
ROOT = "tls"
ROOMS = ("users", "qmgr", "signer", "control", "smtpin")
CALLS_IN_SHORT = 3  # of each process


def serving(box):
    """The process of each room of the generation that serves, and the parent's."""
    def answered():
        done = box.mtactl("status", "--json")
        status = json.loads(done.stdout) if done.returncode == 0 else {"rooms": []}
        return status if len(status["rooms"]) > len(ROOMS) else None
    # Control may be the one that has died.
    status = wait_until(answered, "an answer of control", [box.log])
    return {room["room"]: room["pid"] for room in status["rooms"]
            if room["generation"] == status["generation"]}


def targets():
    """Whom to kill, as arguments of the killer behind process and number."""
    yield "parent", "parent", []
    for room in ROOMS:
        yield f"old {room}", room, []
        yield f"rehearsing {room}", "parent", [f"smtpd: {room}", "1"]
        yield f"new {room}", "parent", [f"smtpd: {room}", "2"]


class Round:
    """One restart, in which one process dies at one call."""

    def __init__(self, box, process, number, arguments):
        self.box = box
        pid = serving(box)[process]
        self.killer = subprocess.Popen([KILLER, str(pid), str(number), *arguments],
                                       stdout=subprocess.PIPE, text=True)
        assert self.killer.stdout.readline() == "attached\n"
        self.verdict = box.mtactl("restart")
        self.killer.send_signal(signal.SIGTERM)
        self.killer.wait(60 * SLOWER)
        word, count = self.killer.stdout.read().split()
        self.killed, self.count = word == "killed", int(count)


def replace_parent(box, outage):
    """As a service manager would."""
    box.daemon.wait(20)
    began = time.monotonic()
    box.start()
    outage.append(time.monotonic() - began)


def kill_at_each(box, title, process, arguments, outage):
    counted = Round(box, process, 0, arguments)
    assert counted.verdict.returncode == 0, counted.verdict
    step = 1 if box.long else max(1, counted.count // CALLS_IN_SHORT)
    numbers = range(1, counted.count + 1, step)
    killed, refused = 0, 0
    for number in numbers:
        done = Round(box, process, number, arguments)
        killed += done.killed
        refused += done.verdict.returncode != 0
        if done.killed and process == "parent" and not arguments:
            replace_parent(box, outage)
    print(f"{title}: {counted.count} calls, killed at {killed}, {refused} verdicts were not good",
          flush=True)
    assert killed > 0
    return killed, len(numbers)


def check_delivery(box, count):
    """What has been killed is made good without anybody's help."""
    box.submit("bob", ["alice"], f"Subject: after {count}\n\nbody\n")
    wait_until(lambda: len(box.maildir("alice")) == count, f"{count} messages for alice",
               [box.home("alice"), box.log], seconds=60)


def run(box):
    box.deaths_expected = True
    tls.install_own()
    box.start()
    ledger, stop = Ledger(), threading.Event()
    clients = [threading.Thread(target=client, args=(box, ledger, stop))
               for client in (smtp_client, sendmail_client)]
    path_gone = Inotify(["/run/holdfast"], IN_DELETE | IN_MOVED_FROM)
    for client in clients:
        client.start()
    outage, kills = [], []
    try:
        for count, (title, process, arguments) in enumerate(targets(), 1):
            kills.append(kill_at_each(box, title, process, arguments, outage))
            check_delivery(box, count)
            assert "control" not in path_gone.drain(), "the control socket's path was absent"
    finally:
        stop.set()
        for client in clients:
            client.join()
    print(ledger.summary(), f"longest outage {max(outage):.2f} s of {len(outage)}")
    # A process has not the same number of calls each time.
    killed, tried = map(sum, zip(*kills))
    assert killed * 2 > tried, kills
    assert statistics.median(outage) < 2 * SLOWER, outage
    done = box.mtactl("queue", "flush")
    assert done.returncode == 0, done
    box.wait_queue_empty(seconds=120)
    ledger.check(box.maildir("bob"))
