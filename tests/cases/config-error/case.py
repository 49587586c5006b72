"""F04: a daemon that cannot understand its configuration ends with 78, once, and says where."""

import processes


def run(box):
    done = box.run("root", ["smtpd", "-d"])
    assert done.returncode == 78, done
    assert b"/etc/holdfast/smtpd.conf:2:" in done.stderr, done
    assert not processes.ours(), processes.ours()
