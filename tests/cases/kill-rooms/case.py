"""F15: rooms are killed at any moment under load; nothing acknowledged is lost or comes twice."""

import os
import random
import signal
import threading

import processes
import tls
from ledger import Ledger, sendmail_client, smtp_client
from watch import wait_until

DEADLINE = 900
ROOT = "tls"
ROOMS = ("smtpin", "control", "qmgr", "users", "signer", "mda")
CLIENTS = [smtp_client] * 6 + [sendmail_client] * 2


def kill_one(box, room):
    """Kill it, and wait until another one is there in its place (an mda comes when needed)."""
    victims = [process for process in processes.ours() if process.executable.endswith("/" + room)]
    if not victims:
        assert room == "mda", f"{room} does not run"
        return
    try:
        os.kill(victims[0].pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # an mda that had just ended by itself
    if room == "mda":
        return

    def replaced():
        now = [process.pid for process in processes.ours()
               if process.executable.endswith("/" + room)]
        return now and victims[0].pid not in now

    wait_until(replaced, f"a new {room}", [box.log, "/home/bob/Maildir/new"],
               [victims[0].pid], seconds=30)


def run(box):
    rounds = 50 if box.long else 5
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    box.deaths_expected = True
    tls.install_own()  # without one there is no signer
    box.start()
    ledger, stop = Ledger(), threading.Event()
    clients = [threading.Thread(target=client, args=(box, ledger, stop)) for client in CLIENTS]
    for client in clients:
        client.start()
    try:
        for number in range(rounds):
            stop.wait(chance.uniform(0.02, 0.6))  # the moment is what is random here
            kill_one(box, ROOMS[number % len(ROOMS)])
    finally:
        stop.set()
        for client in clients:
            client.join()
    print(ledger.summary())
    # What a killed room left waiting for a while is tried again now.
    assert box.mtactl("queue", "flush").returncode == 0
    box.wait_queue_empty(seconds=120)
    ledger.check(box.maildir("bob"))
    assert len(ledger.outcomes) > 10 * rounds, f"hardly any load: {ledger.summary()}"
