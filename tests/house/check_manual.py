"""The manual says what the programs do: every option, word, log event and queue file is in it."""

import re
import subprocess

from house import (BUILD, TOP, finish, lines_matching, name, program, sources, tracked,
                   without_comments)

PAGES = {"smtpd.8": "smtpd/smtpd.8", "smtpd.conf.5": "smtpd/smtpd.conf.5",
         "sendmail.8": "ctl/sendmail/sendmail.8", "mtactl.8": "ctl/mtactl/mtactl.8",
         "holdfast-queue.5": "queue/holdfast-queue.5"}


# What mandoc finds wrong with the machine, not with the page, and a guess that is none.
NO_FAULTS = ("referenced manual not found", "outdated mandoc.db", "Sh ROOMS instead of ERRORS")


def rendered(path):
    """The page as a reader sees it, on one line."""
    text = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=200", path], check=True,
                          capture_output=True, text=True).stdout
    return re.sub(r"\s+", " ", re.sub(r".\x08", "", text))


def has_word(page, word):
    return re.search(r"(?<![\w-])" + re.escape(word) + r"(?![\w-])", page) is not None


def lint():
    for path in tracked():
        if re.fullmatch(r".+\.[1-8]", path.name):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", path],
                                  capture_output=True, text=True)
            said = [line for line in (done.stdout + done.stderr).splitlines()
                    if not any(phrase in line for phrase in NO_FAULTS)]
            yield from said
    for page, path in PAGES.items():
        if not (TOP / path).exists():
            yield f"{path}: the page {page} is missing"


def options_of_sendmail(page):
    text = (TOP / "ctl/sendmail/options.cpp").read_text()
    letters = re.findall(r"Rule\{'(\w)'", text)
    assert letters, "no option is found in ctl/sendmail/options.cpp"
    for letter in letters:
        if not re.search(rf"(?<![\w-])-{letter}", page):
            yield f"sendmail.8: option -{letter} is missing"
    for long_option in re.findall(r'"(--[a-z-]+)"', text):
        if not has_word(page, long_option):
            yield f"sendmail.8: option {long_option} is missing"


def options_of_smtpd(page):
    strings = [match.group(1) for path in sources("smtpd/parent")
               for _, match in lines_matching(path, r'"(-[a-zA-Z]|--[a-z-]+)"')]
    assert strings, "no option is found in smtpd/parent"
    for option in sorted(set(strings)):
        if not has_word(page, option):
            yield f"smtpd.8: option {option} is missing"


def says_help(mtactl, *words):
    return subprocess.run([mtactl, *words, "--help"], check=True, capture_output=True,
                          text=True).stdout


def options_of_mtactl(page):
    """Commands and options as --help lists them, one level of commands below another."""
    mtactl = program("mtactl")
    if not mtactl:
        yield f"mtactl: not found below {BUILD}: build the preset ci first"
        return
    waiting = [()]
    while waiting:
        words = waiting.pop()
        said = says_help(mtactl, *words)
        for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", said):
            if option != "--help" and not has_word(page, option):
                yield f"mtactl.8: option {option} of {' '.join(words)!r} is missing"
        below = re.split(r"(?m)^(?:Subcommands|SUBCOMMANDS):\s*$", said)[1:]
        for command in re.findall(r"(?m)^  ([a-z][a-z-]*)", below[0]) if below else []:
            waiting.append((*words, command))
            if not has_word(page, command):
                yield f"mtactl.8: command {' '.join((*words, command))!r} is missing"


def words_of_config(page):
    text = (TOP / "smtpd/config/statements.cpp").read_text()
    forms = re.findall(r'Statement\{"[^"]+", "([^"]+)"', text)
    assert forms, "no statement is found in smtpd/config/statements.cpp"
    for form in forms:
        for word in re.findall(r"(?<![~/\w])[a-z][a-z-]*", form):
            if not has_word(page, word):
                yield f"smtpd.conf.5: {word!r} of the statement {form!r} is missing"


# A call of one of log's functions, or of what a file calls one of them by: name, event.
LOG_CALL = r'\b(log::(?:error|warning|info)(?:_limited)?|write|line)\(\s*"([a-z-]+)",\s*\{'
LOG_KEY = r'(?:\{|unless_empty\()\s*"([a-z-]+)",'


def logged():
    """(place, event, keys, whether it is limited) of every call that logs."""
    for path in sources("smtpd", "queue", "ctl"):
        text = without_comments(path.read_text())
        for match in re.finditer(LOG_CALL, text):
            place = f"{name(path)}:{text.count(chr(10), 0, match.start()) + 1}"
            call = text[match.start():text.find(";", match.start())]
            yield (place, match.group(2), set(re.findall(LOG_KEY, call)),
                   match.group(1).endswith("_limited"))


def described_events():
    """(event, keys, text) of each entry in the LOG section of smtpd(8)."""
    section = (TOP / PAGES["smtpd.8"]).read_text().split("\n.Sh LOG\n")[1].split("\n.Sh ")[0]
    for entry in re.split(r"(?m)^\.It Cm ", section)[1:]:
        heading, text = entry.split("\n", 1)
        event, *keys = heading.replace(" Ar ", " ").split()
        yield event, set(keys), text


def log_events():
    """The LOG section of smtpd(8) has every event with its keys, and none that is never logged."""
    described, found = list(described_events()), set()
    for place, event, keys, limited in logged():
        found.add(event)
        entries = [entry for entry in described if entry[0] == event]
        if not any(keys <= entry[1] for entry in entries):
            yield f"{place}: smtpd.8: no entry of {event!r} has the keys {sorted(keys)}"
        if limited and not any(".Pq limited" in entry[2] for entry in entries):
            yield f"{place}: smtpd.8: {event!r} is not marked as limited"
    for event in sorted({entry[0] for entry in described} - found):
        yield f"smtpd.8: log event {event!r} is logged nowhere"


def findings():
    yield from lint()
    checks = (("sendmail.8", options_of_sendmail), ("smtpd.8", options_of_smtpd),
              ("mtactl.8", options_of_mtactl), ("smtpd.conf.5", words_of_config))
    for page, check in checks:
        path = TOP / PAGES[page]
        if path.exists():
            yield from check(rendered(path))
    yield from log_events()


finish(list(findings()))
