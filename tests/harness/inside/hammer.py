"""Load that notices a restart (tests/hammer): with Hammer(...) as load: ...; load.check(box)."""

import collections
import json
import signal
import subprocess

from watch import SLOWER

PROGRAM = "/build/tests/hammer/hammer"


class Hammer:
    """Knocks a second, clients that send mail, sessions held for seconds in every state.

    Of knocks and sessions so many begin TLS, and so many ask at the control socket.
    """

    def __init__(self, *, rate=300, tls_rate=0, control_rate=0, mail=4, held=40, tls_held=0, hold=1,
                 to="bob@localhost"):
        options = {"rate": rate // SLOWER, "tls-rate": tls_rate // SLOWER,
                   "control": "/run/holdfast/control", "control-rate": control_rate // SLOWER,
                   "mail": mail, "held": held, "tls-held": tls_held, "hold": hold, "to": to}
        self._command = [PROGRAM, "127.0.0.1", "25"]
        for name, value in options.items():
            if value:
                self._command += [f"--{name}", str(value)]
        self._process = None
        self.result = None

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE)
        return self

    def __exit__(self, failure, *_):
        if failure:
            self._process.kill()
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=120 * SLOWER)
        if not failure:
            self.result = json.loads(said)

    def check(self, box):
        """No connection refused, no session cut, each acknowledged message in bob's Maildir once."""
        tallies = {kind: tally for kind, tally in self.result.items() if isinstance(tally, dict)}
        for kind, tally in tallies.items():
            print(kind, {key: tally[key] for key in tally if key not in ("accepted", "unknown")})
        for kind, tally in tallies.items():
            assert tally["begun"] == tally["done"] > 0, kind
        accepted = [name for tally in tallies.values() for name in tally.get("accepted", [])]
        box.wait_queue_empty(seconds=300)
        mails = box.maildir("bob")
        arrived, expected = (collections.Counter(names) for names in
                             ((mail["Subject"] for mail in mails), accepted))
        assert arrived == expected, (arrived - expected, expected - arrived)
        for mail in mails:
            mail.path.unlink()  # another load may follow
