"""mtactl stop ends everything cleanly; after that each request is told so in one line."""

import processes
from box import CONTROL


def one_line(done, status):
    assert done.returncode == status, done
    text = done.stdout + done.stderr
    assert text.count(b"\n") == 1 and b"running" in text, done


def run(box):
    box.start()
    refused = box.mtactl("stop", user="alice")
    assert refused.returncode == 77, refused
    assert refused.stderr.count(b"\n") == 1, refused
    box.stop()
    assert not processes.ours() and not CONTROL.exists()
    one_line(box.mtactl("status"), 69)
    one_line(box.mtactl("queue", "list"), 69)
    one_line(box.mtactl("stop"), 69)
    one_line(box.run("alice", ["mailq"]), 69)
