"""Words and habits that the house does without: drawers, sleeps, macros, notes to oneself."""

import re

from house import finish, lines_matching, name, sources, tracked

DRAWERS = ("util", "utils", "common", "misc", "helper", "helpers")
# Each: what is found (in code, not in comments), in which C++ folders, and why not. Platform files
# may do all of it; so may a line that hands what it makes to a unique_ptr, for a class whose
# constructor is private.
IN_CODE = [
    (r"^\s*#\s*(?:ifdef|ifndef|if)\b", ("smtpd", "queue", "ctl"), "belongs in a platform file"),
    (r"^\s*#\s*define\b", ("smtpd", "queue", "ctl"), "no macros"),
    (r"\bthrow\b", ("smtpd", "queue", "ctl"), "we never throw"),
    (r"(?<!= )\bdelete\b|\bnew\s+[A-Z]", ("smtpd", "queue", "ctl"), "no new and delete"),
    (r"\b(?:system|popen)\(", ("smtpd", "queue", "ctl"), "no shell"),
    (r"\b(?:usleep|nanosleep|sleep_for|sleep_until|sleep)\(", ("tests",),
     "wait for an event with a deadline"),
]
NOTES = r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b"
# Folders of one machine, and hosts that packages come from.
PLACES = (r"(?<![\w./-])/wo" + r"rk/|/tm" + r"p/w/|/root/\.|deb\.deb" + r"ian\.org|registry\.npm|"
          r"proxy\.golang|\.\./sha" + r"red")
SCRIPT_SLEEP = r"(?:^|[;&|]\s*|\bdo\s+|\bthen\s+)sleep\s+[0-9.]|\btime\.sleep\("


def in_code():
    for pattern, folders, why in IN_CODE:
        for path in sources(*folders):
            if path.stem.endswith("_linux"):
                continue
            for number, match in lines_matching(path, pattern):
                if "unique_ptr" not in path.read_text().splitlines()[number - 1]:
                    yield f"{name(path)}:{number}: {match.group().strip()!r}: {why}"


def anywhere():
    for path in tracked():
        if path.stem.lower() in DRAWERS or path.parent.name.lower() in DRAWERS:
            yield f"{name(path)}: name it after what is in it"
        text = path.read_bytes()
        if b"\0" in text or "fuzz/corpus" in name(path):
            continue
        for pattern, why in ((NOTES, "finish it, or leave it out"),
                             (PLACES, "this holds on one machine only")):
            for number, match in lines_matching(path, pattern, comments=True):
                yield f"{name(path)}:{number}: {match.group()!r}: {why}"


def in_scripts():
    for path in tracked():
        if name(path).startswith("tests/") and path.suffix in ("", ".py", ".sh"):
            if path.name == "check_words.py":
                continue
            for number, match in lines_matching(path, SCRIPT_SLEEP, comments=True):
                yield f"{name(path)}:{number}: {match.group()!r}: wait for an event instead"


def heads():
    """Every header says at its top what it is for."""
    for path in sources("smtpd", "queue", "ctl"):
        if path.suffix == ".h" and not path.read_text().startswith("//"):
            yield f"{name(path)}: has no head that says what it is for"
        if path.suffix == ".h" and "#pragma once" not in path.read_text():
            yield f"{name(path)}: has no #pragma once"
        if re.search(r"[ \t]+$", path.read_text(), re.M):
            yield f"{name(path)}: has spaces at the end of a line"


finish([*in_code(), *anywhere(), *in_scripts(), *heads()])
