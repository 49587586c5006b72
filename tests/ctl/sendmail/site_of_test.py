"""A site for sendmail in a scratch folder: a control socket that a test answers, and drop/."""

import os
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

BUILD = os.environ.get("HOLDFAST_TEST_BIN", ".")
SENDMAIL = os.path.join(BUILD, "sendmail_at")
COMPLETE = os.path.join(BUILD, "complete_file")
ORIGIN = "box.example.net"
ALICE = 1001
MAX_PACKET = 80 * 1024

# Indexes in links/control_client.h.
SUBMIT, RECIPIENTS, BYTES, END, STATUS, LIST, SHOW, REMOVE, FLUSH, ALIASES, ORDER = range(11)
ANSWER, OVERVIEW, LIST_ITEMS, TEXT = range(4)


def frame(index, payload):
    body = struct.pack("<H", index) + payload
    return struct.pack("<I", len(body)) + body


def text_member(text):
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw


def answer(status=0, text=""):
    return frame(ANSWER, struct.pack("<B", status) + text_member(text))


def frames(packet):
    while packet:
        (length,) = struct.unpack("<I", packet[:4])
        yield struct.unpack("<H", packet[4:6])[0], packet[6 : 4 + length]
        packet = packet[4 + length :]


class Conversation:
    """What one client said: whole packets, and the messages in them."""

    def __init__(self, connection, uid):
        self.connection = connection
        self.uid = uid
        self.packets = []
        self.messages = []

    def read(self):
        """One more packet; False at the end."""
        packet = self.connection.recv(2 * MAX_PACKET)
        if not packet:
            return False
        self.packets.append(packet)
        self.messages.extend(frames(packet))
        return True

    def read_submission(self):
        while not any(index == END for index, _ in self.messages):
            if not self.read():
                return False
        return True

    def as_file(self):
        return b"".join(struct.pack("<I", len(p)) + p for p in self.packets)

    def id(self):
        return self.messages[0][1][4:20].hex()

    def reply(self, *answers):
        self.connection.send(b"".join(answers))


def accept_everything(talk):
    if talk.read_submission():
        talk.reply(answer())


class Daemon:
    """Listens on the site's control socket; `serve` deals with each connection in turn."""

    def __init__(self, site, serve=accept_everything):
        self.path = os.path.join(site.folder, "control")
        self.conversations = []
        self._serve = serve
        self._stop_read, self._stop_write = os.pipe()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while True:
            ready, _, _ = select.select([self._listener, self._stop_read], [], [])
            if self._listener not in ready:
                return
            connection, _ = self._listener.accept()
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            talk = Conversation(connection, struct.unpack("3i", raw)[1])
            self.conversations.append(talk)
            with connection:
                try:
                    self._serve(talk)
                except ConnectionError:
                    pass

    def stop(self):
        os.write(self._stop_write, b"x")
        self._thread.join()
        self._listener.close()
        os.close(self._stop_read)
        os.close(self._stop_write)
        os.unlink(self.path)


class Message:
    """What would go into the queue."""

    def __init__(self, packets, user, folder):
        path = os.path.join(folder, "packets")
        with open(path, "wb") as file:
            file.write(packets)
        name, full_name = user.get("name", ""), user.get("full_name", "")
        command = [COMPLETE, path, str(user["uid"]), name, full_name, ORIGIN]
        done = subprocess.run(command, capture_output=True, check=True)
        head, self.raw = done.stdout.split(b"\n\n", 1)
        self.facts = {}
        for line in head.decode().splitlines():
            key, value = line.split(" ", 1)
            self.facts.setdefault(key, []).append(decoded(value))
        header, _, self.body = self.raw.partition(b"\n\n")
        self.fields = []
        for line in header.split(b"\n"):
            if line[:1] in (b" ", b"\t"):
                self.fields[-1][1] += b"\n" + line
            else:
                key, _, value = line.partition(b":")
                self.fields.append([key.strip(), value])

    @property
    def sender(self):
        return self.facts["sender"][0]

    @property
    def recipients(self):
        return self.facts.get("recipient", [])

    def values(self, name):
        wanted = name.lower().encode()
        return [value.strip() for key, value in self.fields if key.lower() == wanted]


def decoded(word):
    if word == "-":
        return ""
    raw = bytearray()
    data = word.encode("latin-1")
    while data:
        if data[:1] == b"%":
            raw.append(int(data[1:3], 16))
            data = data[3:]
        else:
            raw.append(data[0])
            data = data[1:]
    return raw.decode("latin-1")


class Site:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="holdfast-sendmail-")
        os.chmod(self.folder, 0o755)
        self.drop = os.path.join(self.folder, "drop")
        os.mkdir(self.drop)
        os.chmod(self.drop, 0o3733)
        self.environment = {
            "HOLDFAST_TEST_SITE": self.folder,
            "HOLDFAST_TEST_ABSENCE_MS": "50",
            "PATH": "/usr/bin:/bin",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def close(self):
        shutil.rmtree(self.folder)

    def dropped(self):
        return sorted(os.listdir(self.drop))

    def run(self, arguments, data=b"", **options):
        """sendmail with `arguments`, to its end."""
        process = self.start(arguments, **options)
        out, err = process.communicate(data, timeout=60)
        process.out, process.err = out, err
        return process

    def start(self, arguments, name="sendmail", environment=None, **options):
        settings = {**self.environment, **(environment or {})}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [name, *arguments], executable=SENDMAIL, env=settings, **{**pipes, **options}
        )


class SiteTest(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.close)

    def daemon(self, serve=accept_everything):
        daemon = Daemon(self.site, serve)
        self.addCleanup(daemon.stop)
        return daemon

    def assert_one_line(self, process, status, name="sendmail"):
        self.assertEqual((process.returncode, process.out), (status, b""), process.err)
        self.assertRegex(process.err.decode("latin-1"), rf"\A{name}: [^\n]+\n\Z")

    def assert_silent_success(self, process):
        self.assertEqual((process.returncode, process.out, process.err), (0, b"", b""))
