"""Reads mailboxes as a mail reader would: mbox files and Maildirs."""

import email
import email.policy
import pathlib
import re


class Mail:
    """One message as it lies in a mailbox: the bytes, and the header parsed."""

    def __init__(self, raw, path):
        self.raw = raw
        self.path = path
        self.parsed = email.message_from_bytes(raw, policy=email.policy.compat32)
        self.body = raw.split(b"\n\n", 1)[1] if b"\n\n" in raw else b""

    def __getitem__(self, field):
        return self.parsed[field]

    def __repr__(self):
        return f"Mail({self.path}: {self.raw!r})"


def mbox(path):
    """The messages of an mbox file ("mboxo" quoting); a malformed file is a failure."""
    path = pathlib.Path(path)
    data = path.read_bytes() if path.exists() else b""
    if not data:
        return []
    assert data.startswith(b"From "), f"{path} does not begin with a From line: {data[:80]!r}"
    assert data.endswith(b"\n"), f"{path} ends within a line: {data[-80:]!r}"
    messages = re.split(rb"\A|\n\n(?=From )", data)
    return [Mail(message.split(b"\n", 1)[1].rstrip(b"\n") + b"\n", path)
            for message in messages if message]


def maildir(folder):
    """The messages of a Maildir, new/ and cur/."""
    folder = pathlib.Path(folder)
    paths = [path for name in ("new", "cur") if (folder / name).is_dir()
             for path in sorted((folder / name).iterdir())]
    return [Mail(path.read_bytes(), path) for path in paths]
