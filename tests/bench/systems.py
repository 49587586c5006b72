"""The mail systems that are compared: how each is started, and which processes are its own."""

import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness/inside"))

from watch import wait_until  # noqa: E402 (the path has to be known first)


class Postfix:
    programs = "/usr/lib/postfix/"
    log = pathlib.Path("/var/log/postfix.log")

    def start(self):
        subprocess.run(["postfix", "start"], check=True, capture_output=True)
        wait_until(lambda: self.log.exists() and "daemon started" in self.log.read_text(),
                   "Postfix to start", [self.log])

    def stop(self):
        subprocess.run(["postfix", "stop"], check=True, capture_output=True)

    def reload(self):
        subprocess.run(["postfix", "reload"], check=True, capture_output=True)

    def restart(self):
        self.stop()
        subprocess.run(["postfix", "start"], check=True, capture_output=True)


class Holdfast:
    programs = ("/usr/sbin/smtpd", "/usr/libexec/holdfast/")
    log = pathlib.Path("/var/log/holdfast.log")

    def start(self):
        # Postfix exempts its own machine from its limit of 50 sessions a client.
        pathlib.Path("/etc/holdfast/smtpd.conf").write_text("limit sessions 500 per-client 200\n")
        with open(self.log, "wb") as log:
            self.daemon = subprocess.Popen(["/usr/sbin/smtpd", "-d"], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        wait_until(lambda: "]: serving" in self.log.read_text(), "Holdfast to serve", [self.log],
                   [self.daemon.pid])

    def stop(self):
        subprocess.run(["/usr/sbin/mtactl", "stop"], check=True)
        self.daemon.wait()

    def reload(self):
        subprocess.run(["/usr/sbin/mtactl", "reload"], check=True, capture_output=True)

    def restart(self):
        subprocess.run(["/usr/sbin/mtactl", "restart"], check=True, capture_output=True)


class InitScript:
    """One whose init script is how it is restarted where systemd does not run."""

    def _call(self, verb):
        subprocess.run([self.script, verb], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self._call("start")
        wait_until(greets, f"{self.script} to serve", ["/proc/net/tcp"])

    def stop(self):
        self._call("stop")

    def restart(self):
        self._call("restart")


class OpenSmtpd(InitScript):
    script = "/etc/init.d/opensmtpd"


class Exim(InitScript):
    script = "/etc/init.d/exim4"


def greets():
    """Whether somebody listens on port 25."""
    try:
        socket.create_connection(("127.0.0.1", 25), 1).close()
        return True
    except OSError:
        return False


def processes(system):
    """Pids of the system's daemon and all that it has started."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.readlink(f"/proc/{entry}/exe").startswith(system.programs):
                    found.append(int(entry))
            except OSError:
                pass  # a kernel thread, or gone
    return found


def pss_mib(system):
    """Proportional set size of all its processes."""
    total = 0
    for pid in processes(system):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024
