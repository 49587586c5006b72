"""F01: a daemon that looks into drop/ while mail is left there takes each message whole, and once."""

import concurrent.futures

from box import CONTROL

COUNT = 64


def run(box):
    box.start()
    away = CONTROL.with_suffix(".away")
    CONTROL.rename(away)  # nobody finds the daemon, which is there

    def leave(number):
        box.submit("alice", ["bob"], f"Subject: number {number}\n\n" + "x" * 70 + "\n")

    with concurrent.futures.ThreadPoolExecutor(COUNT // 2) as pool:
        list(pool.map(leave, range(COUNT)))
    away.rename(CONTROL)
    subjects = [mail["Subject"] for mail in box.wait_mbox("bob", COUNT)]
    assert sorted(subjects) == sorted(f"number {number}" for number in range(COUNT))
    assert not box.events("drop-unfit"), box.events("drop-unfit")
