"""Programs of another version in the place of the installed ones, and what must not notice it.

Stand-ins (tests/upgrades) do what a word in /run/stand-in says, or pass on to the real program,
which then lies beside them as NAME.real.
"""

import contextlib
import pathlib
import shutil

import tls

SMTPD = pathlib.Path("/usr/sbin/smtpd")
LIBEXEC = pathlib.Path("/usr/libexec/holdfast")
ACTS = pathlib.Path("/run/stand-in")
STAND_INS = pathlib.Path("/build/tests/upgrades")


def path_of(program):
    return SMTPD if program == "smtpd" else LIBEXEC / program


def install(path, content, mode=0o755):
    """As a package manager does it: another file under the same name."""
    new = path.with_name(path.name + ".dpkg-new")
    new.write_bytes(content)
    new.chmod(mode)
    new.rename(path)


@contextlib.contextmanager
def other_program(program, content, mode=0o755):
    """Another file in the place of a program; the good one comes back afterwards."""
    path = path_of(program)
    good = path.read_bytes()
    install(path, content, mode)
    try:
        yield
    finally:
        install(path, good)


@contextlib.contextmanager
def stand_in(program, **acts):
    """A stand-in for smtpd (acts: rehearse, resume) or a room (act: its own name)."""
    path = path_of(program)
    real = path.with_name(path.name + ".real")
    kind = "smtpd" if program == "smtpd" else "room"
    shutil.rmtree(ACTS, ignore_errors=True)
    ACTS.mkdir()
    for role, act in acts.items():
        (ACTS / role).write_text(act)
    shutil.copy(path, real)
    try:
        with other_program(program, (STAND_INS / f"stand-in-{kind}").read_bytes()):
            yield
    finally:
        # Processes that execute it keep it.
        real.unlink()


def without_library(program):
    """The program, needing a shared library that no machine has."""
    content = path_of(program).read_bytes()
    assert content.count(b"libstdc++.so.6\0") == 1, program
    return content.replace(b"libstdc++.so.6\0", b"libgone++.so.6\0")


def of_another_machine(program):
    """The program, saying that it is for AArch64."""
    content = bytearray(path_of(program).read_bytes())
    content[18:20] = (183).to_bytes(2, "little")
    return bytes(content)


class Witnesses:
    """Sessions in several states that no restart may cut, and mail that must flow.

    `secure`: one of the sessions is under TLS, and whoever comes is served so.
    """

    def __init__(self, box, secure=False):
        self._box = box
        self.under_tls = tls.starttls() if secure else None
        self._sent = []
        self.idle = box.smtp()
        self.in_body = box.smtp()
        self.in_body.expect(250, "MAIL FROM:<alice@box.example.net>")
        self.in_body.expect(250, "RCPT TO:<bob@box.example.net>")
        self.in_body.expect(354, "DATA")
        self.in_body.send("Subject: begun before all\r\n\r\nfirst half\r\n")

    def check(self, name):
        """They are served, and so is whoever comes now."""
        self.idle.expect(250, "NOOP")
        self.in_body.send("another line\r\n")
        if self.under_tls:
            self.under_tls.expect(250, "NOOP")
            with tls.starttls() as session:
                session.expect(221, "QUIT")
        with self._box.smtp() as session:
            reply = session.mail("alice@box.example.net", ["bob@box.example.net"],
                                 f"Subject: smtp {name}\n\nbody\n")
            assert reply.code == 250, reply
        self._box.submit("alice", ["bob"], f"Subject: sendmail {name}\n\nbody\n")
        self._sent += [f"smtp {name}", f"sendmail {name}"]

    def sent(self, subject):
        """A message that somebody else has sent to bob."""
        self._sent.append(subject)

    def finish(self):
        """The sessions end as they would have, and each message has arrived once."""
        assert self.in_body.command(".").code == 250
        self.in_body.expect(221, "QUIT")
        self.idle.expect(221, "QUIT")
        if self.under_tls:
            self.under_tls.expect(221, "QUIT")
        self._sent.append("begun before all")
        mails = self._box.wait_mbox("bob", len(self._sent), seconds=60)
        assert sorted(mail["Subject"] for mail in mails) == sorted(self._sent), mails
