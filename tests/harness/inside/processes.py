"""What runs in the root, read from /proc."""

import os
import pathlib
from dataclasses import dataclass

PLACES = ("/usr/sbin/smtpd", "/usr/libexec/holdfast/")


@dataclass(frozen=True)
class Process:
    pid: int
    name: str  # as ps shows it
    uid: int
    euid: int
    executable: str


def read(pid):
    folder = pathlib.Path("/proc") / str(pid)
    try:
        status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines()
                      if ":\t" in line)
        if status["State"].startswith("Z"):
            return None
        uid, euid = status["Uid"].split()[:2]
        return Process(int(pid), status["Name"], int(uid), int(euid),
                       os.readlink(folder / "exe"))
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has just ended


def ours():
    """Every live process of Holdfast's daemon."""
    found = [read(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [process for process in found
            if process and process.executable.removesuffix(" (deleted)").startswith(PLACES)]


def room(name):
    """The one live process of a room."""
    found = [process for process in ours() if process.executable.endswith("/" + name)]
    assert len(found) == 1, f"{len(found)} processes of {name} where one was expected: {found}"
    return found[0]
