"""F11: key and certificate are replaced one after the other while they are reloaded: always a pair.

Each client verifies the signature of its handshake: a certificate with another one's key fails.
"""

import itertools
import threading

import tls

ROOT = "tls"
DEADLINE = 900
CLIENTS = 2


class Replacer(threading.Thread):
    """Two steps for each pair, as often as it can, until so many were made."""

    def __init__(self, pairs, wanted):
        super().__init__()
        self.pairs, self.wanted, self.made = pairs, wanted, 0
        self.over = threading.Event()

    def run(self):
        folder = tls.LIVE / "mx"
        for pair in itertools.islice(itertools.cycle(self.pairs), self.wanted):
            tls.put(folder / "privkey.pem", pair.key, 0o600)
            tls.put(folder / "fullchain.pem", pair.chain)
            self.made += 1
            self.over.wait(0.002)  # a reload may find them whole
        self.over.set()


def shake_hands(known, over, seen, failures):
    while not over.is_set():
        try:
            seen.append(tls.smtps())
            assert seen[-1] in known
        except Exception as error:
            failures.append(error)


def run(box):
    swaps = 10_000 if box.long else 400
    pairs = [tls.Pair("mx.example.net") for _ in range(7)]
    tls.install(pairs[0], "mx")
    box.start()
    replacer, seen, failures = Replacer(pairs, swaps), [], []
    known = {pair.fingerprint for pair in pairs}
    clients = [threading.Thread(target=shake_hands, args=(known, replacer.over, seen, failures))
               for _ in range(CLIENTS)]
    for thread in (replacer, *clients):
        thread.start()
    accepted = refused = 0
    while not replacer.over.is_set():
        status = box.mtactl("reload-certs").returncode
        assert status in (0, 78), status
        accepted, refused = accepted + (status == 0), refused + (status == 78)
    for thread in (replacer, *clients):
        thread.join()
    print(f"{replacer.made} swaps, {accepted} reloads accepted, {refused} refused, "
          f"{len(seen)} handshakes, {len(set(seen))} certificates seen")
    assert not failures, f"{len(failures)} handshakes failed: {failures[0]!r}"
    assert accepted > 0 and len(seen) > 10 and len(set(seen)) > 1
    # When nobody writes any more, the last one is served.
    assert box.mtactl("reload-certs").returncode == 0
    assert tls.smtps() == pairs[(swaps - 1) % len(pairs)].fingerprint
