"""F01: a daemon that looks into drop/ while mail is left there takes each message whole, and once."""

import concurrent.futures

from box import SENDMAIL

COUNT = 64
# Whoever looks from here finds no control socket: as in a container that shares the spool only.
ELSEWHERE = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run/holdfast && exec \"$@\"",
             "sh", "setpriv", "--reuid=alice", "--regid=alice", "--clear-groups"]


def run(box):
    box.start()

    def leave(number):
        done = box.run("root", [*ELSEWHERE, SENDMAIL, "bob"],
                       f"Subject: number {number}\n\n" + "x" * 70 + "\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done

    with concurrent.futures.ThreadPoolExecutor(COUNT // 2) as pool:
        list(pool.map(leave, range(COUNT)))
    subjects = [mail["Subject"] for mail in box.wait_mbox("bob", COUNT)]
    assert sorted(subjects) == sorted(f"number {number}" for number in range(COUNT))
    assert len(box.events("picked-up")) == COUNT, "they came another way"
    assert not box.events("drop-unfit"), box.events("drop-unfit")
