"""A second daemon is refused in one line that names the first; the first serves on."""


def run(box):
    box.start()
    second = box.run("root", ["smtpd", "-d"])
    assert second.returncode == 69 and second.stderr.count(b"\n") == 1, second
    assert str(box.daemon.pid).encode() in second.stderr, second
    box.submit("alice", ["bob"], "Subject: still here\n\nbody\n")
    assert box.wait_mbox("bob")[0]["Subject"] == "still here"
