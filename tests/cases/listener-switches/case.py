"""Listeners change under load: wildcard to specific and back, added and removed, none refused.

Whoever connects to an address that is configured before and after a change notices nothing: also
right after it, while the last generation still accepts on a socket that is about to go. Two lines
that overlap are merged, and both are named (F03).
"""

import collections
import contextlib
import json
import signal
import socket
import subprocess

from box import CONFIG
from watch import wait_until

DEADLINE = 300
REST = "local maildir ~/Maildir\nlimit sessions 2000 per-client 100\n"
LEASE = 5  # seconds in which sockets that go are still accepted on


def configure(box, *endpoints):
    CONFIG.write_text("".join(f"listen {endpoint}\n" for endpoint in endpoints) + REST)
    done = box.mtactl("reload")
    assert done.returncode == 0, f"{endpoints}: {done}"


class Hammers:
    """Load on several addresses, each for a while."""

    def __init__(self):
        self.accepted = collections.Counter()

    @contextlib.contextmanager
    def on(self, address, rate=400):
        hammer = subprocess.Popen(
            ["/build/tests/hammer/hammer", address, "25", "--rate", str(rate), "--held", "10",
             "--hold", "0.2", "--to", "bob@localhost"], stdout=subprocess.PIPE)
        try:
            yield
        finally:
            hammer.send_signal(signal.SIGTERM)
            said, _ = hammer.communicate(timeout=120)
        result = json.loads(said)
        for kind in ("knocks", "held"):
            tally = result[kind]
            assert tally["begun"] == tally["done"], f"{kind} on {address}: {tally}"
            self.accepted.update(tally["accepted"])
        assert result["knocks"]["done"] > 0, result


def answers(address, port=25):
    """Whether somebody listens there."""
    try:
        with socket.create_connection((address, port), timeout=20) as connection:
            return connection.recv(100).startswith(b"220 ")
    except ConnectionRefusedError:
        return False


def switch(box, hammers, number):
    """To an address that has had no socket of its own, and back, and on with other ports."""
    address = f"127.0.0.{10 + number}"
    with hammers.on(address):
        configure(box, f"{address}:25", "127.0.0.1:25")
        configure(box, "*:25", "127.0.0.9:2525")
        assert answers("127.0.0.9", 2525)
        configure(box, f"{address}:25", "127.0.0.1:25", "127.0.0.9:2525")
        configure(box, "*:25")


def lease_runs_out(box, hammers):
    """Sockets of the wildcard and of 127.0.0.8 go; a moment later all addresses are back."""
    configure(box, "*:25", "127.0.0.8:2526")
    configure(box, "127.0.0.1:25")
    configure(box, "*:25")
    with hammers.on("127.0.0.7", rate=500), hammers.on("127.0.0.1", rate=100):
        gone = set(box.mtactl_json("status")["draining"])
        assert gone
        wait_until(lambda: not gone & set(box.mtactl_json("status")["draining"]),
                   "the sockets that go to be let go", [box.log], seconds=6 * LEASE)
    assert not answers("127.0.0.8", 2526), "a socket that was to go is still accepted on"


def overlapping_lines(box):
    """F03, as smtpd -n and a reload see it."""
    CONFIG.write_text("listen *:25\nlisten 127.0.0.1:25\n" + REST)
    for done in (box.run("root", ["smtpd", "-n"]), box.mtactl("reload")):
        said = done.stderr.decode()
        assert done.returncode == 0, done
        assert "smtpd.conf:2:" in said and "smtpd.conf:1" in said and "merged" in said, said
    assert answers("127.0.0.1") and answers("127.0.0.9")


def run(box):
    box.start()
    pid = box.daemon.pid
    hammers = Hammers()
    assert not answers("127.0.0.9", 2525)
    with hammers.on("127.0.0.1"):
        for number in range(20 if box.long else 2):
            switch(box, hammers, number)
    lease_runs_out(box, hammers)
    overlapping_lines(box)
    box.wait_queue_empty(seconds=60)
    arrived = collections.Counter(mail["Subject"] for mail in box.maildir("bob"))
    assert arrived == hammers.accepted, (len(arrived), len(hammers.accepted))
    assert box.daemon.poll() is None and box.daemon.pid == pid
