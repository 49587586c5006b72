"""Restarts of one mail system under load, inside its root: measure_restarts.py SYSTEM HOW

HOW is none, reload or restart. Prints what the load generator saw, as JSON, on its last line.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

from systems import Exim, Holdfast, OpenSmtpd, Postfix, greets

SYSTEMS = {"holdfast": Holdfast, "postfix": Postfix, "opensmtpd": OpenSmtpd, "exim": Exim}
ROUNDS = 20
APART = 0.5  # seconds from one restart to the next
LOAD = ["--rate", "300", "--held", "40", "--hold", "2", "--to", "bob@box.example.net"]


def main():
    system, how = SYSTEMS[sys.argv[1]](), sys.argv[2]
    system.start()
    hammer = subprocess.Popen(["/build/tests/hammer/hammer", "127.0.0.1", "25", *LOAD],
                              stdout=subprocess.PIPE)
    took, pause = [], threading.Event()
    for _ in range(ROUNDS):
        began = time.monotonic()
        if how != "none":
            getattr(system, how)()
        took.append(time.monotonic() - began)
        pause.wait(max(0, APART - took[-1]))  # the load goes on at its own pace
    hammer.send_signal(signal.SIGTERM)
    said, _ = hammer.communicate(timeout=120)
    result = json.loads(said)
    for tally in result.values():
        if isinstance(tally, dict):
            del tally["accepted"], tally["unknown"]
    result["longest command, ms"] = max(took) * 1000
    assert greets()
    system.stop()
    print(json.dumps(result))


if __name__ == "__main__":
    os.umask(0o022)
    main()
