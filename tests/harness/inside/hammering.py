"""Load from tests/hammer while something is done to the daemon that no client may notice."""

import collections
import json
import signal
import subprocess

LOAD = ["--rate", "300", "--mail", "4", "--held", "40", "--hold", "1", "--to", "bob@localhost"]


class Hammering:
    """with Hammering(box): ... Refused and cut connections are failures, and so is lost mail."""

    def __init__(self, box):
        self.box = box

    def __enter__(self):
        delivered = len(self.box.events("delivered"))
        self._process = subprocess.Popen(["/build/tests/hammer/hammer", "127.0.0.1", "25", *LOAD],
                                         stdout=subprocess.PIPE)
        # It is at work when the first message has come.
        self.box.wait_event("delivered", delivered + 1)
        return self

    def __exit__(self, failed, *_):
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=120)
        if not failed:
            self._check(json.loads(said))

    def _check(self, result):
        tallies = {kind: result[kind] for kind in ("knocks", "mail", "held")}
        for kind, tally in tallies.items():
            print(kind, {key: value for key, value in tally.items()
                         if key not in ("accepted", "unknown")})
        for tally in tallies.values():
            assert tally["begun"] == tally["done"] > 0, tally
        self.box.wait_queue_empty(seconds=60)
        accepted = collections.Counter(tallies["mail"]["accepted"] + tallies["held"]["accepted"])
        mails = self.box.maildir("bob")
        arrived = collections.Counter(mail["Subject"] for mail in mails)
        assert arrived == accepted, (arrived - accepted, accepted - arrived)
        for mail in mails:
            mail.path.unlink()  # the next load has the same names
