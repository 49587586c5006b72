"""A machine with Holdfast on it, as a case sees it: box.start(), box.sendmail(), box.mbox() ...

The daemon is the installed one, with its own users, in a root and a network of its own.
"""

import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

import daemon_log
import mailboxes
import processes
import smtp
from watch import SLOWER, wait_exit, wait_until

SMTPD = "/usr/sbin/smtpd"
MTACTL = "/usr/sbin/mtactl"
SENDMAIL = "/usr/sbin/sendmail"
CONFIG = pathlib.Path("/etc/holdfast/smtpd.conf")
SPOOL = pathlib.Path("/var/spool/holdfast")
MAIL = pathlib.Path("/var/mail")
CONTROL = pathlib.Path("/run/holdfast/control")
SET_UP = ["/usr/libexec/holdfast/set-up", "/usr/lib/sysusers.d/holdfast.conf",
          "/usr/lib/tmpfiles.d/holdfast.conf"]
# Sanitized rooms cannot look for leaks: that takes ptrace, which their confinement forbids.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "ASAN_OPTIONS": "detect_leaks=0"}


class Box:
    def __init__(self, case_folder, out):
        self.folder = case_folder
        self.log = out / "daemon.log"
        self.daemon = None
        self.deaths_expected = False
        self.long = "LONG" in os.environ  # tests/run --long: a case that has a longer form takes it
        subprocess.run(SET_UP, check=True)
        CONFIG.parent.mkdir(exist_ok=True)
        for name, target in (("smtpd.conf", CONFIG), ("aliases", pathlib.Path("/etc/aliases"))):
            if (case_folder / name).exists():
                shutil.copyfile(case_folder / name, target)

    # The daemon

    def start(self, *options):
        """Start the daemon and wait until it serves."""
        count = len(self.events("serving"))
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen([SMTPD, "-d", *options], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, env=ENVIRONMENT, cwd="/")
        wait_until(lambda: len(self.events("serving")) > count or self.daemon.poll() is not None,
                   "the daemon to serve", [self.log], [self.daemon.pid])
        assert self.daemon.poll() is None, f"the daemon ended with {self.daemon.returncode}"

    def stop(self):
        """A clean stop, and what it has to leave behind: nothing."""
        done = self.mtactl("stop")
        assert done.returncode == 0, f"mtactl stop: {done}"
        self.wait_end()
        assert self.daemon.returncode == 0, f"the daemon ended with {self.daemon.returncode}"
        assert not CONTROL.exists(), f"{CONTROL} is left after a clean stop"

    def stop_at_once(self):
        """The stop that asks nobody: a second SIGTERM cuts what is in hand."""
        before = len(self.events("stopping"))
        self.daemon.send_signal(signal.SIGTERM)
        self.wait_event("stopping", before + 1)
        self.daemon.send_signal(signal.SIGTERM)
        self.wait_end()

    def wait_end(self):
        wait_exit(self.daemon.pid, "the daemon")
        self.daemon.wait()
        for process in processes.ours():
            wait_exit(process.pid, process.executable, seconds=5)

    def finish(self):
        """What every case asks at its end."""
        if self.daemon and self.daemon.poll() is None:
            self.stop()
        self.check_end()

    def check_end(self):
        """Nothing is left running, the log can be read, and no room has died."""
        assert not processes.ours(), f"left running: {processes.ours()}"
        assert not daemon_log.broken(self.log), daemon_log.broken(self.log)
        if not self.deaths_expected:
            died = self.events("room-ended") + self.events("agent-ended")
            assert not died, f"a room died: {died}"

    def dump(self):
        """What a person wants to see of a case that failed."""
        for path in sorted(SPOOL.rglob("*")):
            print(f"spool: {path}")
        if self.log.exists():
            print("--- daemon.log")
            print("\n".join(self.log.read_text(errors="replace").splitlines()[-40:]))
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGKILL)

    def events(self, name=None):
        return daemon_log.events(self.log, name)

    def wait_event(self, name, count=1, seconds=20):
        def enough():
            found = self.events(name)
            return found if len(found) >= count else None
        return wait_until(enough, f"{count} of the log's {name!r}", [self.log], seconds=seconds)

    # Programs

    def run(self, user, argv, stdin=b"", **options):
        """Run a program as this user; its status and what it said."""
        who = pwd.getpwnam(user)
        return subprocess.run(
            argv, input=stdin.encode() if isinstance(stdin, str) else stdin, capture_output=True,
            user=who.pw_uid, group=who.pw_gid, extra_groups=[], cwd=who.pw_dir,
            env={**ENVIRONMENT, "HOME": who.pw_dir, "USER": user, "LOGNAME": user},
            timeout=60 * SLOWER, **options)

    def sendmail(self, user, arguments, message):
        return self.run(user, [SENDMAIL, *arguments], message)

    def submit(self, user, arguments, message):
        """sendmail that has to succeed, and then says nothing."""
        done = self.sendmail(user, arguments, message)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done

    def mtactl(self, *arguments, user="root"):
        return self.run(user, [MTACTL, *arguments])

    def mtactl_json(self, *arguments):
        done = self.mtactl(*arguments, "--json")
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def smtp(self):
        """A session with EHLO said."""
        session = smtp.Session()
        assert session.greeting.code == 220, session.greeting
        session.expect(250, "EHLO client.example.org")
        return session

    def dialogue(self, name):
        smtp.dialogue((self.folder / name).read_text())

    # Mail

    def mbox(self, user):
        return mailboxes.mbox(MAIL / user)

    def maildir(self, user):
        return mailboxes.maildir(self.home(user) / "Maildir")

    def home(self, user):
        return pathlib.Path(pwd.getpwnam(user).pw_dir)

    def wait_mbox(self, user, count=1, seconds=20):
        return self._wait_mail(lambda: mailboxes.mbox(MAIL / user), count, seconds,
                               [MAIL, MAIL / user], f"{count} messages in the mbox of {user}")

    def wait_mbox_while_queued(self, user, count=1):
        """As wait_mbox(), where mail for others may stay in the queue."""
        def enough():
            mails = self.mbox(user)
            return mails if len(mails) >= count else None
        mails = wait_until(enough, f"{count} messages in the mbox of {user}",
                           [MAIL, MAIL / user])
        assert len(mails) == count, mails
        return mails

    def wait_maildir(self, user, count=1, seconds=20):
        folder = self.home(user) / "Maildir"
        return self._wait_mail(lambda: mailboxes.maildir(folder), count, seconds,
                               [folder / "new"], f"{count} messages in the Maildir of {user}")

    def _wait_mail(self, read, count, seconds, paths, what):
        def enough():
            mails = read()
            return mails if mails is not None and len(mails) >= count else None
        self.wait_queue_empty(seconds)  # settled: what comes twice is there by now
        mails = wait_until(enough, what, paths, seconds=seconds)
        assert len(mails) == count, f"{len(mails)} where {what} were expected: {mails[:3]}"
        return mails

    def queued(self):
        """What lies in the queue and in drop/, as files."""
        return [path for name in ("queue", "drop") for path in (SPOOL / name).iterdir()]

    def stored(self):
        """Everything of a message that lies anywhere in the spool."""
        return [path for name in ("tmp", "queue", "drop", "quarantine")
                for path in (SPOOL / name).iterdir()]

    def wait_queue_empty(self, seconds=20):
        wait_until(lambda: not self.queued(), "an empty queue", [SPOOL / "queue", SPOOL / "drop"],
                   seconds=seconds)
