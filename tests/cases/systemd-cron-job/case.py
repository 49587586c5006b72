"""F01: jobs of Debian's cron restart the service in and after their output, which arrives once."""

import pathlib

INIT = "systemd"
DEADLINE = 600
REBOOTED = pathlib.Path("/run/crond.reboot")
LINES = 3000  # more than the pipes and buffers on the way hold
FIRST, REST = f"seq 1 {LINES}", f"seq {LINES + 1} {2 * LINES}"
JOBS = [f"{FIRST}; systemctl restart holdfast || echo failed; {REST}",
        # The mail is handed over while the service is on its way.
        f"{FIRST}; {REST}; systemctl --no-block restart holdfast"]
OUTPUT = b"".join(b"%d\n" % number for number in range(1, 2 * LINES + 1))


def one_round(box, number):
    crontab = f"MAILTO=bob\nPATH=/usr/bin:/bin\n@reboot {JOBS[number % len(JOBS)]}\n"
    installed = box.run("root", ["crontab", "-"], crontab)
    assert installed.returncode == 0, installed
    REBOOTED.unlink(missing_ok=True)  # for cron the machine has just been started
    box.other("restart", "cron.service")
    box.wait_event("serving", number + 1)
    box.wait_state("active/running")
    mails = box.wait_mbox("bob", number)
    assert [mail.body for mail in mails] == [OUTPUT] * number, [len(mail.body) for mail in mails]


def run(box):
    box.settings("Unit", StartLimitIntervalSec="0")
    box.start()
    for number in range(1, 101 if box.long else 5):
        one_round(box, number)
