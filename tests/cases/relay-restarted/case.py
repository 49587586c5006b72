"""Reloads and restarts under relay load lose nothing and repeat nothing; relay killed at any moment
loses nothing, and repeats only what the log says may have been delivered."""

import collections
import email
import os
import random
import signal
import threading

import processes
from hammer import Hammer
from sink import Sink
from watch import wait_until

DEADLINE = 600
LOAD = {"rate": 100, "mail": 6, "held": 20, "hold": 1, "to": "dave@example.com"}


def arrived(sink):
    return collections.Counter(mail["Subject"] for mail in sink.mails())


def accepted(load):
    return {name for tally in load.result.values() if isinstance(tally, dict)
            for name in tally["accepted"]}


def restarts(box, sink, rounds):
    with Hammer(**LOAD) as load:
        for number in range(rounds):
            done = box.mtactl("reload" if number % 2 else "restart")
            assert done.returncode == 0, done
    box.wait_queue_empty(seconds=120)
    sent = accepted(load)
    assert arrived(sink) == collections.Counter(sent), arrived(sink) - collections.Counter(sent)
    assert not box.events("maybe-delivered"), box.events("maybe-delivered")
    return sent


def kill_relay(box):
    victim = next(process for process in processes.ours()
                  if process.executable.endswith("/relay"))
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: any(process.pid != victim.pid for process in processes.ours()
                           if process.executable.endswith("/relay")),
               "another relay", [box.log], [victim.pid], seconds=30)


def kills(box, sink, rounds, before):
    """What came before is at the sink already."""
    box.deaths_expected = True
    chance, never = random.Random(), threading.Event()
    with Hammer(**LOAD) as load:
        for _ in range(rounds):
            never.wait(chance.uniform(0.05, 0.5))  # the moment is what is random here
            kill_relay(box)
    assert box.mtactl("queue", "flush").returncode == 0
    box.wait_queue_empty(seconds=120)
    came, sent = arrived(sink), accepted(load) | before
    assert came.keys() == sent, (came.keys() ^ sent)
    repeated = sum(times - 1 for times in came.values())
    doubtful = len(box.events("maybe-delivered"))
    print(f"{len(sent)} sent, {doubtful} in doubt, {repeated} repeated")
    assert repeated <= doubtful, f"{repeated} came again, {doubtful} were in doubt"


def run(box):
    rounds = 50 if box.long else 6
    with Sink(2526) as sink:
        box.start()
        sent = restarts(box, sink, rounds)
        kills(box, sink, rounds, sent)
