"""Restarts under load: no connection is refused, no session cut, no message lost or doubled."""

import collections
import json
import signal
import subprocess

DEADLINE = 7200
LOAD = ["--rate", "400", "--control", "/run/holdfast/control", "--control-rate", "100",
        "--mail", "2", "--held", "60", "--hold", "2", "--to", "bob@localhost"]


def run(box):
    box.start()
    pid = box.daemon.pid
    hammer = subprocess.Popen(["/build/tests/hammer/hammer", "127.0.0.1", "25", *LOAD],
                              stdout=subprocess.PIPE)
    try:
        for _ in range(1000 if box.long else 10):
            done = box.mtactl("restart")
            assert done.returncode == 0, done
    finally:
        hammer.send_signal(signal.SIGTERM)
        said, _ = hammer.communicate(timeout=120)
    result = json.loads(said)
    seconds = result.pop("seconds")
    print(f"{seconds} s")
    for kind, tally in result.items():
        print(kind, {key: value for key, value in tally.items()
                     if key not in ("accepted", "unknown")})
    for tally in result.values():
        assert tally["begun"] == tally["done"] > 0, tally
    accepted = result["mail"]["accepted"] + result["held"]["accepted"]
    box.wait_queue_empty(seconds=300)
    names = collections.Counter(mail["Subject"] for mail in box.maildir("bob"))
    assert names == collections.Counter(accepted), (len(names), len(accepted))
    assert box.daemon.poll() is None and box.daemon.pid == pid
