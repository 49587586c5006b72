"""Waiting for something to happen, with a deadline and without sleeping.

wait_until() looks, and looks again each time that one of the paths it was given (a file, or what
is in a folder) has changed or one of the processes has ended, until the deadline.
"""

import ctypes
import os
import pathlib
import select
import socket
import struct
import time

SLOWER = int(os.environ.get("SLOWER", "1"))  # sanitized programs get more time

_libc = ctypes.CDLL(None, use_errno=True)
_EVENTS = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800  # all but reading
IN_OPEN = 0x20
_IN_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC


class TimedOut(AssertionError):
    pass


class Inotify:
    """Tells that something happened below paths, which may not exist yet."""

    def __init__(self, paths, events=_EVENTS):
        self._paths = [pathlib.Path(path) for path in paths]
        self._events = events
        self.fd = _libc.inotify_init1(_IN_NONBLOCK_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self.watch()

    def watch(self):
        """Watch each path, or the nearest folder above it that exists. Again is harmless."""
        for path in self._paths:
            while not path.exists() and path != path.parent:
                path = path.parent
            # A path that vanishes in between is caught at the next event of its parent.
            _libc.inotify_add_watch(self.fd, os.fsencode(path), self._events)

    def drain(self):
        """The names that had events since the last call."""
        names = []
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return names
        offset = 0
        while offset < len(data):
            length = struct.unpack_from("iIII", data, offset)[3]
            name = data[offset + 16:offset + 16 + length]
            names.append(os.fsdecode(name.rstrip(b"\0")))
            offset += 16 + length
        return names

    def close(self):
        os.close(self.fd)


def wait_until(look, what, paths=(), pids=(), seconds=20, opened=False):
    """The first true value that look() returns. `what` says in the failure what was awaited.

    With `opened` it also looks when a file is opened; look() must then open none of them.
    """
    deadline = time.monotonic() + seconds * SLOWER
    inotify = Inotify(paths, _EVENTS | (IN_OPEN if opened else 0))
    pidfds = [fd for fd in map(_pidfd, pids) if fd is not None]
    poll = select.poll()
    for fd in (inotify.fd, *pidfds):
        poll.register(fd, select.POLLIN)
    try:
        while True:
            found = look()
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut(f"waited {seconds * SLOWER} s in vain for {what}")
            for fd, _ in poll.poll(left * 1000):
                if fd != inotify.fd:
                    poll.unregister(fd)  # an ended process stays ended
            inotify.drain()
            inotify.watch()
    finally:
        inotify.close()
        for fd in pidfds:
            os.close(fd)


def wait_port(port, pid, address="127.0.0.1", seconds=20):
    """Until the process listens: an event that the kernel tells nobody of, so it is looked for."""
    deadline = time.monotonic() + seconds * SLOWER
    fd = os.pidfd_open(pid)
    try:
        while True:
            try:
                return socket.create_connection((address, port), timeout=5).close()
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise TimedOut(f"nobody listens on port {port}") from None
            assert not select.select([fd], [], [], 0.02)[0], f"process {pid} has ended"
    finally:
        os.close(fd)


def _pidfd(pid):
    """A descriptor of a process, or None if it has ended and been reaped."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def wait_exit(pid, what, seconds=20):
    """Until a process that need not be our child has ended."""
    fd = _pidfd(pid)
    if fd is None:
        return
    try:
        if not select.select([fd], [], [], seconds * SLOWER)[0]:
            raise TimedOut(f"waited {seconds * SLOWER} s in vain for the end of {what} ({pid})")
    finally:
        os.close(fd)
