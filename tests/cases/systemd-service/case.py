"""Under systemd: start, status, reload, stop, each with an exit status that is the truth."""

import pathlib

import processes
from box import CONFIG
from systemd_box import UNIT

INIT = "systemd"
GOOD = "listen localhost:25\n"
BROKEN = "listen localhost:25\nlocal maildirr ~/Maildir\n"


def delivers(box, count):
    box.submit("alice", ["-t"], f"To: bob\nSubject: {count} from sendmail\n\nbody\n")
    with box.smtp() as session:
        reply = session.mail("a@example.org", ["bob@localhost"], f"Subject: {count}\n\nbody\n")
        assert reply.code == 250, reply
    box.wait_mbox("bob", 2 * count)


def status_line(box):
    text = box.systemctl("status").stdout.decode()
    assert "Active: active (running)" in text, text
    return next(line.strip() for line in text.splitlines() if "Status: " in line)


def started(box):
    """Active means that every room serves: a mail at once has to be taken."""
    box.start()
    names = sorted(process.name for process in processes.ours())
    assert names == ["control", "qmgr", "smtpd", "smtpin", "users"], names
    delivers(box, 1)
    assert status_line(box) == 'Status: "generation 1 serves on 2 listeners"', status_line(box)
    assert box.property("NFileDescriptorStore") == "3", box.property("NFileDescriptorStore")


def reloaded(box):
    pid = box.main_pid()
    box.command("reload")
    assert box.state() == "active/running", box.state()
    assert "generation 2 serves on 2 listeners; last change: reload: done" in status_line(box)
    box.configure(BROKEN)
    refused = box.systemctl("reload")
    assert refused.returncode != 0, refused
    assert box.state() == "active/running" and box.main_pid() == pid, box.state()
    assert "generation 2 serves" in status_line(box), status_line(box)
    box.wait_journal(f"{CONFIG}:2:")
    delivers(box, 2)
    box.configure(GOOD)
    box.command("reload")
    assert "last change: reload: done" in status_line(box), status_line(box)
    # Asked by others than systemd, it says the same.
    assert box.mtactl("restart").returncode == 0
    assert box.state() == "active/running" and box.main_pid() == pid, box.state()
    delivers(box, 3)


def stopped(box):
    box.stop()
    box.start()
    done = box.mtactl("stop")
    assert done.returncode == 0, done
    box.wait_state("inactive/dead")
    box.assert_stopped()


def lint(box):
    unit = pathlib.Path("/lib/systemd/system") / UNIT
    verified = box.run_systemd("systemd-analyze", "verify", "--man=no", unit)
    assert (verified.returncode, verified.stderr) == (0, b""), verified
    # It runs users' commands, so much has to be left open: no more than there is.
    judged = box.run_systemd("systemd-analyze", "security", "--no-pager", "--threshold=90", UNIT)
    assert judged.returncode == 0, judged


def run(box):
    lint(box)
    assert box.systemctl("is-enabled").stdout == b"enabled\n"
    started(box)
    reloaded(box)
    stopped(box)
