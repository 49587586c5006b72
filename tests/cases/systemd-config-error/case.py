"""F04: under systemd a configuration error is one start, exit 78 and its reason; then it waits."""

from box import CONFIG

INIT = "systemd"
GOOD = "listen localhost:25\n"
BROKEN = "listen localhost:25\nlocal maildirr ~/Maildir\n"


def refused_once(box, verb, before):
    """One more start than before, which systemd does not repeat though it restarts failures."""
    assert box.property("Restart") == "on-failure"
    failed = box.systemctl(verb)
    assert failed.returncode != 0, failed
    # Were another start planned, this would be activating/auto-restart.
    assert box.state() == "failed/failed", box.state()
    assert box.property("ExecMainStatus") == "78", box.property("ExecMainStatus")
    assert box.property("NRestarts") == "0", box.property("NRestarts")
    box.wait_journal("Failed with result 'exit-code'", before // 2 + 1)
    starts = box.log.read_text().count("Starting holdfast.service")
    assert starts == before + 1, f"{starts} starts"
    box.wait_journal(f"{CONFIG}:2:")
    assert box.property("NFileDescriptorStore") == "0"


def run(box):
    box.configure(BROKEN)
    refused_once(box, "start", 0)
    box.configure(GOOD)
    box.start()
    box.configure(BROKEN)
    refused_once(box, "restart", 2)
    box.submit("alice", ["bob"], "Subject: while it is down\n\nbody\n")
    box.configure(GOOD)
    box.start()
    box.wait_mbox("bob", 1)
