"""The daemon's log as events: "smtpd/room[pid]: event key=value ..."."""

import re
from dataclasses import dataclass

_LINE = re.compile(r"^(?:smtpd/)?([a-z]+)\[(\d+)\]: ([a-z0-9-]+)((?: .*)?)$")
_FIELD = re.compile(r'([a-z-]+)=("(?:[^"\\]|\\.)*"|\S*)')
# A sanitizer's report, or a program that ended itself.
BROKEN = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|panic|terminate called")


@dataclass(frozen=True)
class Event:
    room: str
    pid: int
    name: str
    fields: dict

    def __getitem__(self, key):
        return self.fields.get(key)


def events(path, name=None):
    """All events of the log, or those of one name."""
    found = []
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        match = _LINE.match(line)
        if match and name in (None, match.group(3)):
            fields = {key: value.strip('"') for key, value in _FIELD.findall(match.group(4))}
            found.append(Event(match.group(1), int(match.group(2)), match.group(3), fields))
    return found


def broken(path):
    """Lines that no run may have, whatever the case is about."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return [line for line in lines if BROKEN.search(line)]
