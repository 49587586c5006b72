"""F01: with no daemon `sendmail` leaves the mail in drop/ and succeeds; the next start delivers."""

import time

from box import SPOOL
from watch import SLOWER


def drop_one(box, subject):
    started = time.monotonic()
    box.submit("alice", ["-t"], f"To: bob\nSubject: {subject}\n\nbody\n")
    assert time.monotonic() - started < 5 * SLOWER, "longer than it may take"


def run(box):
    drop_one(box, "before the first start")
    dropped, = (SPOOL / "drop").iterdir()
    facts = dropped.stat()
    assert facts.st_mode & 0o777 == 0o640 and facts.st_uid == 1001, facts
    assert facts.st_gid == (SPOOL / "drop").stat().st_gid, "readable for the daemon"

    box.start()
    mail, = box.wait_mbox("bob")
    assert mail["Subject"] == "before the first start", mail
    assert "alice@box.example.net" in mail["From"], mail

    box.stop()
    drop_one(box, "between two runs")
    box.start()
    assert [mail["Subject"] for mail in box.wait_mbox("bob", 2)][1] == "between two runs"
    assert not box.stored(), box.stored()
