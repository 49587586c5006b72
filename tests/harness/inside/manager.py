"""A service manager as the daemon sees one: it is told things, keeps descriptors, starts it again."""

import fcntl
import os
import socket
import subprocess
import threading

from watch import SLOWER, wait_until

SOCKET = "/run/notify"
HIGH = 100  # numbers that nobody else uses meanwhile


class Manager:
    def __init__(self, box):
        self._box = box
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(SOCKET)
        self._kept = {}
        self._told = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            text, fds, _, _ = socket.recv_fds(self._socket, 4096, 4)
            lines = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            with self._told:
                if "FDSTORE" in lines and fds:
                    self._kept[lines["FDNAME"]] = fcntl.fcntl(fds[0], fcntl.F_DUPFD, HIGH)
                if "FDSTOREREMOVE" in lines:
                    self._kept.pop(lines["FDNAME"], None)
                self._told.notify_all()
            for fd in fds:
                os.close(fd)

    def start(self):
        """Start the daemon with what it had kept here, and wait until it serves."""
        names = list(self._kept)
        moves = " ".join(f"{3 + number}<&{self._kept[name]}" for number, name in enumerate(names))
        script = f"exec {moves}; LISTEN_PID=$$ exec /usr/sbin/smtpd -d"
        count = len(self._box.events("serving"))
        with open(self._box.log, "ab") as log:
            self._box.daemon = subprocess.Popen(
                ["/bin/bash", "-c", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd="/", pass_fds=self._kept.values(),
                env={"PATH": "/usr/sbin:/usr/bin", "NOTIFY_SOCKET": SOCKET,
                     "ASAN_OPTIONS": "detect_leaks=0", "LISTEN_FDS": str(len(names)),
                     "LISTEN_FDNAMES": ":".join(names)})
        wait_until(lambda: len(self._box.events("serving")) > count, "the daemon to serve",
                   [self._box.log], [self._box.daemon.pid])

    def wait_for_listeners(self, count):
        with self._told:
            enough = self._told.wait_for(lambda: len(self._kept) >= count, timeout=20 * SLOWER)
        assert enough, f"{len(self._kept)} of {count} listeners are kept"
