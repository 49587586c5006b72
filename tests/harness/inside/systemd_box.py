"""A machine whose process 1 is systemd, with Holdfast as its service: box.systemctl("reload") ..."""

import os
import pathlib
import subprocess

import processes
from box import CONFIG, CONTROL, Box
from watch import SLOWER, wait_until

UNIT = "holdfast.service"
PRIVATE_SOCKET = pathlib.Path("/run/systemd/private")
DROP_INS = pathlib.Path("/run/systemd/system") / f"{UNIT}.d"
CGROUP = pathlib.Path("/sys/fs/cgroup/system.slice") / UNIT


class SystemdBox(Box):
    def __init__(self, case_folder, out):
        wait_until(PRIVATE_SOCKET.exists, "systemd", [PRIVATE_SOCKET.parent])
        booted = self.run_systemd("systemctl", "is-system-running", "--wait")
        assert booted.stdout == b"running\n", booted
        super().__init__(case_folder, out)
        self.journal = None
        with open(self.log, "ab") as log:
            self.journal = subprocess.Popen(
                ["journalctl", "--unit", UNIT, "--output=cat", "--no-tail", "--follow"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @staticmethod
    def run_systemd(*argv):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=90 * SLOWER)

    # The service

    def systemctl(self, verb, *options):
        """What systemctl does to the service: exit status, standard output and error."""
        return self.run_systemd("systemctl", verb, UNIT, *options)

    def command(self, verb):
        """A command that has to succeed, and then says nothing."""
        done = self.systemctl(verb)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done

    def ask(self, verb):
        """The same without waiting for the outcome."""
        done = self.systemctl(verb, "--no-block")
        assert done.returncode == 0, done

    def start(self):
        self.command("start")
        assert self.state() == "active/running", self.state()

    def stop(self):
        self.command("stop")
        self.assert_stopped()

    def assert_stopped(self):
        """Nothing is left of it: no process, no socket, no listener that systemd keeps."""
        assert self.state() == "inactive/dead", self.state()
        assert not self.members() and not processes.ours(), (self.members(), processes.ours())
        assert not CONTROL.exists(), f"{CONTROL} is left after a clean stop"

    def settings(self, section, **values):
        """Settings of the unit for this test, as `systemctl edit` would make them."""
        DROP_INS.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in values.items()]
        (DROP_INS / f"{section}.conf").write_text(f"[{section}]\n" + "".join(lines))
        reloaded = self.run_systemd("systemctl", "daemon-reload")
        assert reloaded.returncode == 0, reloaded

    def other(self, verb, unit):
        """Another service, however often it has been started before."""
        for command in (["reset-failed", unit], [verb, unit]):
            done = self.run_systemd("systemctl", *command)
        assert done.returncode == 0, done

    def pass_seconds(self, seconds):
        """What is to be seen is that nothing happens meanwhile."""
        mark = pathlib.Path("/run/passed")
        done = self.run_systemd("systemd-run", "--quiet", f"--on-active={seconds}",
                         "--timer-property=AccuracySec=1ms", "touch", str(mark))
        assert done.returncode == 0, done
        wait_until(mark.exists, f"{seconds} s", [mark])
        mark.unlink()

    def property(self, name):
        return self.systemctl("show", "--value", "--property", name).stdout.decode().strip()

    def state(self):
        return self.property("ActiveState") + "/" + self.property("SubState")

    def wait_state(self, state, seconds=20):
        """systemd logs what it does to a unit."""
        wait_until(lambda: self.state() == state, f"the service to be {state}", [self.log],
                   seconds=seconds)

    def wait_successor(self, pid, seconds=20):
        """Until another process serves; when that was, as time.monotonic() counts."""
        wait_until(lambda: self.main_pid() not in (0, pid) and self.state() == "active/running",
                   f"a successor of {pid}", [self.log], seconds=seconds)
        return int(self.property("ActiveEnterTimestampMonotonic")) / 1e6

    def main_pid(self):
        return int(self.property("MainPID"))

    def members(self):
        """The processes in the service's cgroup."""
        procs = CGROUP / "cgroup.procs"
        return [int(pid) for pid in procs.read_text().split()] if procs.exists() else []

    def configure(self, text):
        CONFIG.write_text(text)

    def wait_journal(self, text, count=1):
        """What the service and systemd said of it."""
        wait_until(lambda: self.log.read_text(errors="replace").count(text) >= count,
                   f"{count} {text!r} in the journal", [self.log])

    # The case

    def finish(self):
        if self.state() != "inactive/dead":
            self.stop()
        self._end_journal()
        self.check_end()

    def dump(self):
        self._end_journal()
        print(self.systemctl("status", "--no-pager", "--lines=0").stdout.decode())
        os.system("ps ax -o pid,ppid,stat,user,args --forest")
        super().dump()

    def _end_journal(self):
        if self.journal and self.journal.poll() is None:
            self.journal.terminate()
            self.journal.wait()
