"""Debian's cron, as often as a case wants it: it runs the jobs called @reboot when it starts.

Its clock has a resolution of a minute, but a boot can be had at any time: cron knows it by a file
that it makes, and that is removed here. So each boot is the real cron with a real crontab, in the
environment that a job has: a PATH without sbin, no terminal.
"""

import pathlib
import re
import subprocess

from watch import wait_exit, wait_until

REBOOTED = pathlib.Path("/run/crond.reboot")
JOBS = pathlib.Path("/root/jobs")  # a job is a script here: its mail's subject ends with its path
BEGUN = pathlib.Path("/run/cron-jobs")
FROM = "Cron <root@box> "


def boot(box, jobs, settings="MAILTO=bob"):
    """Run these shell scripts of root, by name, at the same time; until their mail is handed over."""
    BEGUN.mkdir(exist_ok=True)
    JOBS.mkdir(exist_ok=True)
    for name, script in jobs.items():
        path = JOBS / name
        path.write_text(f"#!/bin/sh\n: >{BEGUN}/{name}\n{script}")
        path.chmod(0o755)
    lines = [settings, *(f"@reboot {JOBS}/{name}" for name in jobs)]
    installed = box.run("root", ["crontab", "-"], "\n".join(lines) + "\n")
    assert installed.returncode == 0, installed
    REBOOTED.unlink(missing_ok=True)
    cron = subprocess.Popen(["/usr/sbin/cron", "-f"], stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: all((BEGUN / name).exists() for name in jobs), "cron to start the jobs",
                   [BEGUN], [cron.pid])
        # Each job has a process of cron's that waits for it, and then for sendmail.
        for pid in _children(cron.pid):
            wait_exit(pid, "a job of cron", seconds=60)
    finally:
        cron.terminate()
        cron.wait()
    for name in jobs:
        (BEGUN / name).unlink(missing_ok=True)


def _children(pid):
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def job_of(mail):
    """The name of the job that a mail is from."""
    found = re.fullmatch(re.escape(f"{FROM}{JOBS}/") + r"(\S+)", mail["Subject"] or "")
    assert found, f"this is no mail from cron: {mail}"
    return found.group(1)
