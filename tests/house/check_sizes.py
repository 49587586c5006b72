"""Files and functions stay small: at most 500 and 60 lines, medians of 150 and 8."""

import json
import statistics
import subprocess

from house import TOP, finish, name, sources, tracked

MOST_IN_FILE, MEDIAN_FILE = 500, 150
MOST_IN_FUNCTION, MEDIAN_FUNCTION = 60, 8
README_LINES = 120


def functions():
    """(file, line, function, lines) of every function that universal-ctags finds."""
    listing = subprocess.run(
        ["ctags", "--languages=C++", "--kinds-C++=f", "--fields=+ne", "--output-format=json",
         "-f", "-", *map(str, sources())], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["line"], tag["name"], tag["end"] - tag["line"] + 1


def lines_in(path):
    return len(path.read_text(errors="replace").splitlines())


def findings():
    code = [path for path in tracked()
            if path.suffix in (".h", ".cpp", ".py", ".sh") or path.stat().st_mode & 0o100]
    for path in code:
        if lines_in(path) > MOST_IN_FILE:
            yield f"{name(path)}: {lines_in(path)} lines, {MOST_IN_FILE} are the most"
    median = statistics.median(map(lines_in, sources("smtpd", "queue", "ctl")))
    if median > MEDIAN_FILE:
        yield f"the median of a file is {median} lines, {MEDIAN_FILE} are the most"
    found = list(functions())
    for path, line, function, length in found:
        if length > MOST_IN_FUNCTION:
            yield f"{path}:{line}: {function} has {length} lines, {MOST_IN_FUNCTION} are the most"
    median = statistics.median(length for path, _, _, length in found if "/tests/" not in path)
    if median > MEDIAN_FUNCTION:
        yield f"the median of a function is {median} lines, {MEDIAN_FUNCTION} are the most"
    readme = TOP / "README.md"
    if not readme.exists() or lines_in(readme) > README_LINES:
        yield f"README.md: missing, or longer than {README_LINES} lines"


finish(list(findings()))
