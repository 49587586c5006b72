"""A plain SMTP client that sends what it is told, right or wrong, and reads replies strictly."""

import fnmatch
import socket

from watch import SLOWER


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = "\n".join(lines)

    def __repr__(self):
        return f"Reply({self.text!r})"


class Closed(AssertionError):
    """The server closed the connection where a reply was due."""


class Session:
    def __init__(self, host="127.0.0.1", port=25, seconds=20):
        self.socket = socket.create_connection((host, port), timeout=seconds * SLOWER)
        self._read = b""
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\n" not in self._read:
            more = self.socket.recv(65536)
            if not more:
                raise Closed(f"connection closed after {self._read!r}")
            self._read += more
        line, self._read = self._read.split(b"\n", 1)
        assert line.endswith(b"\r"), f"a reply line ends with LF alone: {line!r}"
        return line[:-1].decode("ascii")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
            assert lines[-1][:3] == lines[0][:3], f"two codes in one reply: {lines}"
        return Reply(lines)

    def command(self, text):
        self.send(text + "\r\n")
        return self.reply()

    def expect(self, code, text):
        reply = self.command(text)
        assert reply.code == code, f"{text!r}: expected {code}, got {reply}"
        return reply

    def mail(self, sender, recipients, message):
        """A whole transaction after EHLO; the reply to the final dot."""
        self.expect(250, f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            self.expect(250, f"RCPT TO:<{recipient}>")
        self.expect(354, "DATA")
        return self.body(message)

    def body(self, message):
        lines = message.replace("\r\n", "\n").removesuffix("\n").split("\n")
        stuffed = ["." + line if line.startswith(".") else line for line in lines]
        return self.command("\r\n".join([*stuffed, "."]))


def dialogue(script, host="127.0.0.1", port=25):
    """Hold the conversation that a text file writes down; it begins with the server's greeting.

    C: TEXT   the client sends this line; lines that follow each other go out at once
    S: TEXT   the server's next reply: the last line of it, with * for anything
    S+ TEXT   the same reply has a line like this as well
    """
    with Session(host, port) as session:
        reply, unread, unsent = None, [session.greeting], ""
        for number, raw in enumerate(script.splitlines(), 1):
            kind, text = raw[:2], raw[3:]
            if not raw or raw.startswith("#"):
                continue
            if kind == "C:":
                unsent += text + "\r\n"
                continue
            if unsent:
                session.send(unsent)
                unsent = ""
            if kind == "S:":
                reply = unread.pop() if unread else session.reply()
                assert fnmatch.fnmatchcase(reply.lines[-1], text), \
                    f"line {number}: expected {text!r}, the server said {reply.text!r}"
            elif kind == "S+":
                assert any(fnmatch.fnmatchcase(line[4:], text) for line in reply.lines), \
                    f"line {number}: no line {text!r} in {reply.text!r}"
            else:
                raise AssertionError(f"line {number}: neither C: nor S: nor S+: {raw!r}")
