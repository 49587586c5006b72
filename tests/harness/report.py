"""What tests/run prints: one line a result, what failed in full, and the sums at the end."""

import sys
import threading
import time

_lock = threading.Lock()


class Report:
    def __init__(self):
        self.passed = []
        self.failed = []

    def section(self, title):
        with _lock:
            print(f"\n==> {title}", flush=True)

    def add(self, name, seconds, failure=None):
        """One result; `failure` is what a person needs to see of it."""
        with _lock:
            (self.failed if failure else self.passed).append(name)
            print(f"{'FAIL' if failure else 'ok':4} {seconds:6.1f} s  {name}", flush=True)
            if failure:
                print("\n".join("        " + line for line in failure.splitlines()), flush=True)

    def run(self, name, function):
        """Run one check; an exception is its failure."""
        started = time.monotonic()
        try:
            function()
        except Exception as error:  # whatever it was, the other checks go on
            self.add(name, time.monotonic() - started, str(error) or repr(error))
            return False
        self.add(name, time.monotonic() - started)
        return True

    def close(self):
        print()
        for name in self.failed:
            print(f"failed: {name}")
        print(f"{len(self.passed)} passed, {len(self.failed)} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
