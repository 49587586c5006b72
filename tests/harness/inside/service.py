"""Holdfast as a machine without systemd runs it: by its init script, in the background.

What the daemon sends to /dev/log is added to box.log, where box.events() finds it.
"""

import os
import pathlib
import re
import socket
import threading

import processes
from box import CONTROL
from watch import wait_exit, wait_until

LOCK = pathlib.Path("/run/holdfast/lock")
SCRIPT = "/etc/init.d/holdfast"


class Syslog:
    """Stands in for syslogd: a datagram, "<PRIORITY>line", becomes a line of a file."""

    def __init__(self, path):
        # As many lines as a daemon under load writes while Python does something else.
        pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text("20000")
        self._file = open(path, "ab", buffering=0)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            line = self._socket.recv(65536)
            self._file.write(re.sub(rb"\A<\d+>", b"", line) + b"\n")


class Service:
    def __init__(self, box):
        self.box = box
        Syslog(box.log)

    def call(self, action, program=(SCRIPT,)):
        """What the init script says to one action, and its status."""
        return self.box.run("root", [*program, action])

    def do(self, action):
        """An action that has to succeed."""
        done = self.call(action)
        assert done.returncode == 0, done
        return done

    def start(self):
        self.do("start")
        return self.pid()

    def stop(self):
        """A clean stop: nobody lives when it returns, and the control socket has gone."""
        pid = self.pid()
        self.do("stop")
        for process in processes.ours():
            wait_exit(process.pid, process.executable, seconds=5)
        assert not CONTROL.exists(), f"{CONTROL} is left after a clean stop"
        wait_until(lambda: pid in [event.pid for event in self.box.events("stopped")],
                   "the log to say so", [self.box.log])

    def pid(self):
        return int(LOCK.read_text())
