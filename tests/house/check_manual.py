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


def log_events(page):
    """Every event, and every key that is written as a word, stands in smtpd(8)."""
    for path in sources("smtpd", "queue", "ctl"):
        text = without_comments(path.read_text())
        for match in re.finditer(r'\blog::(?:error|warning|info)\(\s*"([^"]+)"', text):
            event, line = match.group(1), text.count("\n", 0, match.start()) + 1
            call = text[match.start():text.find(";", match.start())]
            for word in [event, *re.findall(r'\{\s*"([a-z-]+)",', call)]:
                if not has_word(page, word):
                    yield f"{name(path)}:{line}: log event {event!r}: {word!r} is not in smtpd.8"


def findings():
    yield from lint()
    checks = (("sendmail.8", options_of_sendmail), ("smtpd.8", options_of_smtpd),
              ("mtactl.8", options_of_mtactl), ("smtpd.conf.5", words_of_config),
              ("smtpd.8", log_events))
    for page, check in checks:
        path = TOP / PAGES[page]
        if path.exists():
            yield from check(rendered(path))


finish(list(findings()))
