"""One round of measurements of one mail system, inside its root: measure.py postfix|holdfast

Prints one JSON object, name of the value -> number, on its last line.
"""

import json
import os
import pathlib
import pwd
import re
import signal
import statistics
import subprocess
import sys
import time

from systems import Holdfast, Postfix, processes, pss_mib
from watch import wait_until

MAILBOX = pathlib.Path("/var/mail/bob")
MESSAGES = {1: 600, 10: 1500, 50: 1500}  # sessions: messages
SUBMISSIONS = 200
TRACED = 100
ALICE = pwd.getpwnam("alice")


class Mailbox:
    """Counts what arrives in bob's mbox, reading each byte once."""

    def __init__(self):
        self.count, self._offset, self._tail = 0, 0, b""
        self.update()

    def update(self):
        if MAILBOX.exists():
            with open(MAILBOX, "rb") as mailbox:
                mailbox.seek(self._offset)
                data = mailbox.read()
            self._offset += len(data)
            # Both write "From " lines only at the start of a message.
            text = self._tail + data
            self.count += len(re.findall(rb"(?m)^From ", text)) - len(
                re.findall(rb"(?m)^From ", self._tail))
            self._tail = text[text.rfind(b"\n") + 1:]
        return self.count

    def wait(self, count, since=0):
        wait_until(lambda: self.update() >= since + count, f"{count} messages",
                   [MAILBOX, MAILBOX.parent], seconds=300)


def smtp_source(sessions, count):
    subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(count), "-l", "4096", "-f",
                    "alice@box.example.net", "-t", "bob@box.example.net", "127.0.0.1:25"],
                   check=True)


def smtp_rates(mailbox, values):
    for sessions, count in MESSAGES.items():
        before = mailbox.update()
        started = time.monotonic()
        smtp_source(sessions, count)
        accepted = time.monotonic()
        mailbox.wait(count, before)
        delivered = time.monotonic()
        values[f"accepted/s, {sessions} sessions"] = count / (accepted - started)
        values[f"delivered/s, {sessions} sessions"] = count / (delivered - started)


def submission_file():
    path = pathlib.Path("/tmp/submission")
    path.write_text("To: bob\nSubject: a submission\n\n" + "a line of text\n" * 60)
    return path


def submit(path, before=()):
    """One `sendmail -t` as alice, from fork to exit; seconds."""
    with open(path, "rb") as message:
        started = time.monotonic()
        subprocess.run([*before, "/usr/sbin/sendmail", "-t"], stdin=message, check=True,
                       user=ALICE.pw_uid, group=ALICE.pw_gid, extra_groups=[],
                       stderr=subprocess.DEVNULL)
        return time.monotonic() - started


def spawn_cost():
    """What starting any program costs here, to be taken off: it is Python's."""
    samples = []
    for _ in range(50):
        started = time.monotonic()
        subprocess.run(["/bin/true"], check=True, user=ALICE.pw_uid, group=ALICE.pw_gid,
                       extra_groups=[])
        samples.append(time.monotonic() - started)
    return statistics.median(samples)


def submission_times(mailbox, values):
    path, before = submission_file(), mailbox.update()
    samples = sorted(submit(path) * 1000 for _ in range(SUBMISSIONS))
    mailbox.wait(SUBMISSIONS, before)
    values["sendmail -t p50, ms"] = samples[len(samples) // 2]
    values["sendmail -t p99, ms"] = samples[int(len(samples) * 0.99)]
    values["  of which any program's start, ms"] = spawn_cost() * 1000


class Trace:
    """strace of all processes of a system: how many calls, how many of them fsyncs."""

    def __init__(self, system):
        pids = processes(system)
        targets = [word for pid in pids for word in ("-p", str(pid))]
        self._report = pathlib.Path("/tmp/strace")
        self._strace = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "name,calls", "-o", self._report, *targets],
            stderr=subprocess.PIPE, text=True)
        attached = 0
        while attached < len(pids):
            attached += "attached" in self._strace.stderr.readline()

    def stop(self):
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate()
        return count_calls(self._report)


def count_calls(report):
    calls = {match.group(1): int(match.group(2)) for match in
             re.finditer(r"(?m)^\s*(\w+)\s+(\d+)\s*$", report.read_text())}
    calls.pop("total", None)
    return sum(calls.values()), calls.get("fsync", 0) + calls.get("fdatasync", 0)


def calls_per_message(system, mailbox, values):
    before = mailbox.update()
    trace = Trace(system)
    smtp_source(1, TRACED)
    mailbox.wait(TRACED, before)
    total, syncs = trace.stop()
    values["system calls a message, SMTP"] = total / TRACED
    values["fsyncs a message, SMTP"] = syncs / TRACED

    path, before = submission_file(), mailbox.update()
    client_total = client_syncs = 0
    trace = Trace(system)
    for number in range(TRACED):
        report = pathlib.Path(f"/tmp/client.{number}")
        submit_traced(path, report)
        calls, syncs = count_calls(report)
        client_total, client_syncs = client_total + calls, client_syncs + syncs
    mailbox.wait(TRACED, before)
    total, syncs = trace.stop()
    values["system calls a message, sendmail"] = (total + client_total) / TRACED
    values["fsyncs a message, sendmail"] = (syncs + client_syncs) / TRACED


def submit_traced(path, report):
    """Traced by root and run as alice, so that set-id programs of the other system still work."""
    with open(path, "rb") as message:
        subprocess.run(["strace", "-f", "-c", "-U", "name,calls", "-o", report, "-u", "alice",
                        "/usr/sbin/sendmail", "-t"], stdin=message, check=True)


def main():
    system = {"postfix": Postfix, "holdfast": Holdfast}[sys.argv[1]]()
    values = {}
    system.start()
    try:
        values["processes, idle"] = len(processes(system))
        values["PSS, idle, MiB"] = pss_mib(system)
        mailbox = Mailbox()
        smtp_source(1, 5)  # warm
        mailbox.wait(5)
        smtp_rates(mailbox, values)
        submission_times(mailbox, values)
        calls_per_message(system, mailbox, values)
    finally:
        system.stop()
    print(json.dumps(values))


if __name__ == "__main__":
    os.umask(0o022)
    main()
