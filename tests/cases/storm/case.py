"""Requests from several processes every few ms: serialised, each answered, the last config wins.

Each client of a reload first writes a configuration with a number of its own, larger than all
before it; once its reload is done, whoever connects is served by that one, or by a later one.
The client of a reload of certificates has put a pair into place first, which is then shown.
"""

import itertools
import os
import re
import signal
import subprocess
import threading

import processes
import tls
from box import CONFIG, MTACTL
from ledger import ACCEPTED, Ledger, sendmail_client, smtp_client
from watch import SLOWER, wait_until

DEADLINE = 300
ROOT = "tls"
MAX_GENERATIONS = 4


class Configurations:
    """Numbered, and put into place whole."""

    def __init__(self):
        self._lock = threading.Lock()
        self._number = 1_000_000

    def write_next(self):
        with self._lock:
            self._number += 1
            new = CONFIG.with_name("smtpd.conf.new")
            new.write_text(f"listen localhost:25 starttls\nlocal maildir ~/Maildir\n"
                           f"limit message {self._number}\nlimit sessions 500 per-client 400\n"
                           f"cert box.example.net {tls.LIVE}\n")
            os.rename(new, CONFIG)
            return self._number


def served(box):
    """The number of the configuration that a new session is served by."""
    with box.smtp() as session:
        return int(re.search(r"SIZE (\d+)", session.expect(250, "EHLO client.example.org").text)[1])


class Storm:
    def __init__(self, box):
        self._box = box
        self._configurations = Configurations()
        self._pairs = itertools.cycle([tls.Pair("box.example.net") for _ in range(5)])
        self._lock = threading.Lock()
        self.stop = threading.Event()
        self.verdicts = {}
        self.wrong = []

    def _note(self, request, status):
        with self._lock:
            counts = self.verdicts.setdefault(request, {})
            counts[status] = counts.get(status, 0) + 1

    def _ask(self, *words):
        done = subprocess.run([MTACTL, *words], capture_output=True, timeout=120)
        self._note(words[0], done.returncode)
        if done.returncode != 0:
            self.wrong.append(f"{words}: {done.returncode} {done.stderr}")
        return done

    def _repeat(self, action):
        while not self.stop.is_set():
            try:
                action()
            except Exception as error:  # a thread must not take its failure along
                self.wrong.append(repr(error))
            self.stop.wait(0.003)

    def _reload(self):
        number = self._configurations.write_next()
        self._ask("reload")
        now = served(self._box)
        if now < number:
            self.wrong.append(f"reloaded with {number}, and served by {now}")

    def _reload_certs(self):
        pair = next(self._pairs)
        tls.install(pair, ".")
        self._ask("reload-certs")
        with tls.starttls() as session:
            if session.fingerprint != pair.fingerprint:
                self.wrong.append("another certificate is shown than the one that was reloaded")

    def _signal(self, number):
        """At any moment: also while one program takes the place of the other."""
        self._box.daemon.send_signal(number)
        self.stop.wait(0.02)

    def _status(self):
        self._ask("status", "--json")
        live = self._generations()
        if len(live) > MAX_GENERATIONS + 1:  # one more is on its way up
            self.wrong.append(f"generations {sorted(live)} live")

    def _generations(self):
        status = self._box.mtactl_json("status")
        return {room["generation"] for room in status["rooms"]}

    def run(self, seconds):
        actions = [self._reload] * 2 + [lambda: self._ask("restart")] * 2
        actions += [self._reload_certs, lambda: self._ask("reload-certs")]
        actions += [self._status, lambda: self._signal(signal.SIGHUP),
                    lambda: self._signal(signal.SIGUSR2)]
        threads = [threading.Thread(target=self._repeat, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        self.stop.wait(seconds)
        self.stop.set()
        for thread in threads:
            thread.join()

    def last(self):
        number = self._configurations.write_next()
        assert self._ask("reload").returncode == 0
        return number


def run(box):
    tls.install_own()
    box.start()
    pid = box.daemon.pid
    storm, ledger = Storm(box), Ledger()
    clients = [threading.Thread(target=client, args=(box, ledger, storm.stop))
               for client in (smtp_client, smtp_client, sendmail_client)]
    for client in clients:
        client.start()
    storm.run(60 if box.long else 8 * SLOWER)
    for client in clients:
        client.join()
    print(storm.verdicts, ledger.summary())
    assert not storm.wrong, f"{len(storm.wrong)}: {sorted(storm.wrong)[:10]}"
    assert served(box) <= storm.last() == served(box)
    assert box.daemon.poll() is None and box.daemon.pid == pid
    # Nothing is left of the others, once their sessions have ended.
    wait_until(lambda: not box.mtactl_json("status")["draining"], "older generations to end",
               [box.log], seconds=30)
    assert len(processes.ours()) <= 7, processes.ours()
    box.wait_queue_empty(seconds=60)
    ledger.check(box.maildir("bob"))
    assert set(ledger.summary()) == {ACCEPTED}, ledger.summary()
    for name in ("reload", "restart", "reload-certs"):
        assert storm.verdicts[name].get(0, 0) > 7, storm.verdicts
