"""Reload and restart serve on in the same process: new rooms, the old configuration's end, no new pid."""

import processes
from box import CONFIG


def rooms(box):
    status = box.mtactl_json("status")
    return status


def run(box):
    box.start()
    pid = box.daemon.pid
    box.submit("alice", ["bob"], "Subject: one\n\nfirst\n")
    done = box.mtactl("reload")
    print(done)
    assert done.returncode == 0, done
    box.submit("alice", ["bob"], "Subject: two\n\nsecond\n")
    done = box.mtactl("restart")
    print(done)
    assert done.returncode == 0, done
    box.submit("alice", ["bob"], "Subject: three\n\nthird\n")
    box.wait_mbox("bob", 3)
    print(box.mtactl("status").stdout.decode())
    assert box.daemon.poll() is None
