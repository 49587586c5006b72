"""F09: certificates are reloaded again and again while clients shake hands: no handshake fails."""

import statistics
import threading
import time

import tls
from box import CONTROL

ROOT = "tls"
DEADLINE = 900
CLIENTS = 4


def shake_hands(over, seen, failures):
    while not over.is_set():
        try:
            seen.append(tls.smtps())
        except Exception as error:
            failures.append(error)


def timed_reload(box):
    began = time.monotonic()
    done = box.mtactl("reload-certs")
    assert done.returncode == 0, done
    return time.monotonic() - began


def run(box):
    rounds = 1000 if box.long else 60
    pairs = [tls.Pair("mx.example.net") for _ in range(2)]
    tls.install(pairs[0], "mx")
    box.start()
    inode = CONTROL.stat().st_ino
    quiet = [timed_reload(box) for _ in range(20)]
    over, seen, failures, times = threading.Event(), [], [], []
    clients = [threading.Thread(target=shake_hands, args=(over, seen, failures))
               for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for number in range(rounds):
            pair = pairs[number % 2]
            tls.install(pair, "mx")
            times.append(timed_reload(box))
            assert tls.smtps() == pair.fingerprint, f"round {number}: the old one is served"
    finally:
        over.set()
        for client in clients:
            client.join()
    print(f"{rounds} reloads among {len(seen)} handshakes, "
          f"median {statistics.median(times) * 1000:.1f} ms with the start of mtactl, "
          f"{statistics.median(quiet) * 1000:.1f} ms without load")
    assert not failures, f"{len(failures)} handshakes failed: {failures[0]!r}"
    assert len(seen) > rounds, f"hardly any load: {len(seen)} handshakes"
    assert CONTROL.stat().st_ino == inode
