"""What the checks of the house share: the sources, and how a finding is said."""

import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HOLDFAST_BUILD") or TOP / "build/ci")


def tracked():
    """Every file of the project: known to git, or new and not ignored."""
    listing = subprocess.run(["git", "-C", str(TOP), "-c", f"safe.directory={TOP}", "ls-files",
                              "--cached", "--others", "--exclude-standard"],
                             check=True, capture_output=True, text=True).stdout
    return [TOP / line for line in listing.splitlines() if (TOP / line).is_file()]


def sources(*folders):
    """C++ files below these folders (all of them: without an argument)."""
    return [path for path in tracked() if path.suffix in (".h", ".cpp")
            and (not folders or name(path).startswith(tuple(f"{folder}/" for folder in folders)))]


def name(path):
    return str(path.relative_to(TOP))


def program(called):
    """A program of the build; None if it is not there."""
    found = [path for path in BUILD.rglob(called) if path.is_file() and path.stat().st_mode & 0o100
             and "package" not in path.parts]
    return found[0] if len(found) == 1 else None


def without_comments(text):
    """The same text with comments emptied; line numbers stay. Strings are left alone."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group())
                     if match.group().startswith("/") else match.group(), text)


def lines_matching(path, pattern, comments=False):
    """(line number, match) of each line of a file that the pattern is found in."""
    text = path.read_text(errors="replace")
    if not comments:
        text = without_comments(text)
    expression = re.compile(pattern)
    return [(number, match) for number, line in enumerate(text.splitlines(), 1)
            for match in expression.finditer(line)]


def finish(findings):
    """Print what was found; the check fails if there is anything."""
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
