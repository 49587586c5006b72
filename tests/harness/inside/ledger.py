"""Clients that write down what they were told about each message, to compare with what arrived."""

import collections
import socket
import threading

from smtp import Closed

# What a client knows of a message when its attempt has ended. A 4xx to the whole message means
# "send it again", not "I do not have it": the server may have lost sight of its own disk.
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"


class Ledger:
    def __init__(self):
        self._lock = threading.Lock()
        self._next = 0
        self.outcomes = {}
        self.connections_refused = 0

    def ticket(self):
        with self._lock:
            self._next += 1
            return f"ticket-{self._next}"

    def write(self, ticket, outcome):
        with self._lock:
            self.outcomes[ticket] = outcome

    def refused_connection(self):
        with self._lock:
            self.connections_refused += 1

    def check(self, mails):
        """Accepted: exactly once. Unknown: at most once. Refused: never. Each one whole."""
        arrived = collections.Counter(mail["Subject"] for mail in mails)
        allowed = {ACCEPTED: (1, 1), REFUSED: (0, 0), UNKNOWN: (0, 1)}
        wrong = [f"{ticket}: {outcome}, arrived {arrived[ticket]} times"
                 for ticket, outcome in self.outcomes.items()
                 if not allowed[outcome][0] <= arrived[ticket] <= allowed[outcome][1]]
        assert not wrong, f"{len(wrong)} of {len(self.outcomes)} are wrong: {wrong[:10]}"
        strangers = set(arrived) - set(self.outcomes)
        assert not strangers, f"nobody sent these: {strangers}"
        cut = [mail for mail in mails if not mail.body.endswith(b"the end\n")]
        assert not cut, f"{len(cut)} messages are cut short: {cut[0]}"
        assert not self.connections_refused, f"{self.connections_refused} connections refused"

    def summary(self):
        return dict(collections.Counter(self.outcomes.values()))


def _text(ticket):
    return f"Subject: {ticket}\n\n" + "a line of some length\n" * 40 + "the end\n"


def smtp_client(box, ledger, stop):
    """One message a connection, until told to stop."""
    while not stop.is_set():
        ticket = ledger.ticket()
        outcome = UNKNOWN
        try:
            with box.smtp() as session:
                reply = session.mail("alice@box.example.net", ["bob@box.example.net"],
                                     _text(ticket))
                outcome = ACCEPTED if reply.code == 250 else UNKNOWN
        except ConnectionRefusedError:
            ledger.refused_connection()
        except (Closed, ConnectionError, socket.timeout):
            pass  # cut off: it may or may not have been taken
        except AssertionError:
            outcome = REFUSED  # before the message was sent
        ledger.write(ticket, outcome)


def sendmail_client(box, ledger, stop):
    """One submission after another, until told to stop."""
    while not stop.is_set():
        ticket = ledger.ticket()
        done = box.sendmail("alice", ["bob"], _text(ticket))
        ledger.write(ticket, ACCEPTED if done.returncode == 0 else REFUSED)
