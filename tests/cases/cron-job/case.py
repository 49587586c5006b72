"""Debian's cron runs a job, and what the job prints arrives in the mailbox of the job's owner."""

import subprocess

from watch import wait_exit

JOBS = """MAILTO=bob
@reboot echo this is what the job printed; echo and this on standard error >&2
"""


def run(box):
    box.start()
    installed = box.run("alice", ["crontab", "-"], JOBS)
    assert installed.returncode == 0, installed
    cron = subprocess.Popen(["/usr/sbin/cron", "-f"], stdin=subprocess.DEVNULL)
    try:
        box.wait_event("delivered")
    finally:
        cron.terminate()
        wait_exit(cron.pid, "cron")
        cron.wait()
    mail, = box.wait_mbox("bob")
    assert mail.body == b"this is what the job printed\nand this on standard error\n", mail
    assert mail["Subject"].startswith("Cron <alice@box"), mail
    assert mail["From"] == "root@box.example.net (Cron Daemon)", mail
    assert mail["Return-Path"] == "<alice@box.example.net>", "the job ran as alice"
    assert mail["X-Cron-Env"], mail
