"""F02: bsd-mailx hands over mail, many at a time, and never reports a failure that was none."""

import concurrent.futures

COUNT = 200


def run(box):
    box.start()

    def send(number):
        return box.run("alice", ["bsd-mailx", "-s", f"number {number}", "bob"], f"{number}\n")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in pool.map(send, range(COUNT)):
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done
    subjects = [mail["Subject"] for mail in box.wait_mbox("bob", COUNT, seconds=60)]
    assert sorted(subjects) == sorted(f"number {number}" for number in range(COUNT))
