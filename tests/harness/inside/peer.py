"""Another mail system beside the daemon: in a root of its own, in the same network (peers.py)."""

import os
import pathlib
import shutil
import subprocess

import mailboxes
import tls
from watch import wait_exit, wait_port

PORT = 2530
ENTER = "/tests/root/enter"
PROGRAM = "/tests/harness/inside/peers.py"


class Peer:
    """The mail system of the case's PEER. Answers to far.example.com, with a certificate for it."""

    def __init__(self, name):
        self.name = name
        self.folder = pathlib.Path("/srv/peer")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o777)
        pair = tls.Pair("far.example.com")
        tls.put(self.folder / "key.pem", pair.key, 0o600)
        tls.put(self.folder / "chain.pem", pair.chain)
        hosts = pathlib.Path("/etc/hosts")
        if "far.example.com" not in hosts.read_text():
            hosts.write_text(hosts.read_text() + "127.0.0.1 far.example.com\n")

    def __enter__(self):
        self.log = open(f"/out/{self.name}.log", "ab")
        self.process = subprocess.Popen(
            [ENTER, "--lower", os.environ["PEER_LOWER"], "--network", "host",
             "--bind-ro", "/tests:/tests", "--bind", f"{self.folder}:/peer", "--",
             "python3", "-B", PROGRAM, self.name],
            stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        wait_port(PORT, self.process.pid, seconds=60)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        wait_exit(self.process.pid, self.name)
        self.process.wait()
        self.log.close()

    def mails(self):
        return mailboxes.maildir(self.folder / "mail")
