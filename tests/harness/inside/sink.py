"""A server that takes mail and keeps it: Postfix's smtp-sink, each message a file."""

import os
import pathlib
import signal
import subprocess
import tempfile

import mailboxes
from watch import wait_exit, wait_port, wait_until


class Sink:
    """Takes everything on a port of loopback; options as smtp-sink(1) has them."""

    def __init__(self, port, *options):
        self.port = port
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sink."))
        os.chmod(self.folder, 0o777)
        self.process = subprocess.Popen(
            ["smtp-sink", "-u", "alice", "-R", str(self.folder), "-d", "%M.", *options,
             f"127.0.0.1:{port}", "100"], stdin=subprocess.DEVNULL)

    def __enter__(self):
        wait_port(self.port, self.process.pid)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        wait_exit(self.process.pid, "smtp-sink")
        self.process.wait()

    def mails(self):
        """The files of messages that were taken whole: their X-Mail-Args, header and body."""
        return [mailboxes.Mail(path.read_bytes(), path) for path in sorted(self.folder.iterdir())]

    def wait(self, count, seconds=20):
        wait_until(lambda: len(list(self.folder.iterdir())) >= count,
                   f"{count} messages at smtp-sink", [self.folder], seconds=seconds)
        mails = self.mails()
        assert len(mails) == count, f"{len(mails)} messages at smtp-sink, {count} were expected"
        return mails
