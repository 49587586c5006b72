"""The machine that the tests run on: folders, commands with progress, becoming root."""

import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
TESTS = TOP / "tests"
OUT = TOP / "build" / "test-output"  # logs of what ran last


class Failed(Exception):
    """A command failed; the text is the tail of what it said."""


def as_root(*command):
    """The command as root would run it, with the one setting of ours that matters to it."""
    if os.geteuid() == 0:
        return list(command)
    kept = [f"{name}={os.environ[name]}" for name in ("HOLDFAST_CACHE",) if name in os.environ]
    return ["sudo", "env", *kept, *command]


def quiet(command, log):
    """Run with the output in a file; shown only when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        done = subprocess.run([str(word) for word in command], stdout=output, stderr=output,
                              stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return
    name = next(word for word in command if word not in ("sudo", "env") and "=" not in str(word))
    tail = log.read_text(errors="replace").splitlines()[-60:]
    raise Failed("\n".join([*tail, f"{name}: status {done.returncode}; all of it: {log}"]))


def loud(command):
    """Run with the output shown as it comes: progress of a long step."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failed(f"{command[0]}: status {done.returncode}, see above")


def install_packages(which):
    """What tests/run needs beyond what it has asked for at its start: a set of rc/packages."""
    loud([TOP / "rc/install-packages", which])


def output(command):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"{command[0]}: status {done.returncode}")
    return done.stdout.strip()
