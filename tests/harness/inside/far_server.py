"""A mail server of somebody else's, which says what a case wants it to say.

    with FarServer(2526, replies={"RCPT": lambda session, line: "550 5.1.1 nobody"}) as far: ...

A reply is text without its last line end, bytes that are sent as they are, HANG (nothing is ever
said again) or CLOSE; or a function of the session and the client's line that returns one of these,
None for the usual reply. Their names are those of the commands, `connect` (the greeting) and
`content` (the reply to the end of a message).
"""

import base64
import dataclasses
import socket
import threading

from watch import SLOWER

HANG = object()
CLOSE = object()
EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 20000000", "ENHANCEDSTATUSCODES")
USUAL = {"connect": "220 far.example.com ESMTP", "HELO": "250 far.example.com",
         "MAIL": "250 2.1.0 sender fine", "RCPT": "250 2.1.5 recipient fine", "DATA": "354 go on",
         "content": "250 2.0.0 have it", "RSET": "250 2.0.0 forgotten", "NOOP": "250 2.0.0 fine",
         "QUIT": "221 2.0.0 bye", "STARTTLS": "220 2.0.0 go ahead"}


@dataclasses.dataclass
class Received:
    """A message that was taken: bytes with CRLF line ends, dots unstuffed."""

    sender: str
    recipients: list
    content: bytes
    session: object


class Left(Exception):
    """The client has gone, or is to be cut off."""


class Session:
    """One connection: what the client said on it, and what it has been told."""

    def __init__(self, server, connection):
        self.server = server
        self.lines = []  # commands, as they came
        self.secure = False
        self.user = None
        self.received = 0  # bytes of the client
        self.sent = 0      # bytes to it
        self._connection = connection
        self._buffer = b""
        self._sender = None
        self._recipients = []

    def run(self):
        """Until the client leaves, or is left."""
        try:
            if self.server.implicit_tls:
                self._start_tls()
            self._say("connect", "")
            while True:
                line = self._line().decode("utf-8", "surrogateescape")
                self.lines.append(line)
                self._obey(line)
        except (Left, OSError):
            pass
        finally:
            self._connection.close()

    def cut(self):
        """Ends the connection under whoever waits for it."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended

    def _obey(self, line):
        verb = line.split(" ")[0].upper()
        code = self._say(verb, line)
        if verb == "MAIL" and code == 250:
            self._sender, self._recipients = line.split("<")[1].split(">")[0], []
        elif verb == "RCPT" and code == 250:
            self._recipients.append(line.split("<")[1].split(">")[0])
        elif verb == "DATA" and code == 354:
            self._take_message()
        elif verb == "STARTTLS" and code == 220:
            self._start_tls()
        elif verb == "QUIT":
            raise Left
        elif verb in ("EHLO", "RSET"):
            self._sender, self._recipients = None, []

    def _take_message(self):
        content = []
        while (line := self._line()) != b".":
            content.append(line[1:] if line.startswith(b".") else line)
        message = Received(self._sender, self._recipients,
                           b"".join(line + b"\r\n" for line in content), self)
        # Kept before the client can know that it is: whoever is told 250 finds it.
        self.server.keep(message)
        for _ in (message.recipients if self.server.lmtp else [None]):
            if self._say("content", "") != 250:
                self.server.forget(message)

    def _usual(self, name, line):
        if name in ("EHLO", "LHLO"):
            return "\r\n".join(self._lines_of_ehlo())
        if name == "AUTH":
            return self._log_in(line)
        return USUAL.get(name, "502 5.5.1 no such command")

    def _lines_of_ehlo(self):
        words = ["far.example.com", *self.server.extensions]
        if self.server.tls and not self.secure:
            words.append("STARTTLS")
        if self.server.users and (self.secure or not self.server.tls):
            words.append("AUTH PLAIN")
        return [f"250-{word}" for word in words[:-1]] + [f"250 {words[-1]}"]

    def _log_in(self, line):
        words = line.split(" ")
        _, user, secret = base64.b64decode(words[2]).decode().split("\0")
        if self.server.users.get(user) != secret:
            return "535 5.7.8 wrong user or password"
        self.user = user
        return "235 2.7.0 welcome"

    def _say(self, name, line):
        """The code of the reply that was given."""
        reply = self.server.replies.get(name)
        if callable(reply):
            reply = reply(self, line)
        if reply is None:
            reply = self._usual(name, line)
        if reply is CLOSE:
            raise Left
        if reply is HANG:
            while self._read():
                pass
            raise Left
        self._send(reply if isinstance(reply, bytes) else reply.encode() + b"\r\n")
        return int(reply[:3]) if reply[:3].isdigit() else 0

    def _send(self, data):
        limit = self.server.cut_reply_after
        if limit is not None:
            data = data[:max(0, limit - self.sent)]
        self._connection.sendall(data)
        self.sent += len(data)
        if limit is not None and self.sent >= limit:
            raise Left

    def _start_tls(self):
        if self.server.tls is None:
            self._read()
            self._connection.sendall(b"this is no TLS\r\n")
            raise Left
        self._connection = self.server.tls.wrap_socket(self._connection, server_side=True)
        self.secure = True

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._buffer += self._read()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def _read(self):
        limit = self.server.cut_after
        if limit is not None and self.received >= limit:
            raise Left
        data = self._connection.recv(65536 if limit is None else limit - self.received)
        if not data:
            raise Left
        self.received += len(data)
        return data


class FarServer:
    """Listens on a port of loopback; each connection is a thread.

    Its settings: `replies` and `extensions` (lines of EHLO); `tls`, the context with which it
    offers STARTTLS, or begins with implicit_tls; `users`, the passwords of AUTH PLAIN by name;
    `lmtp`; `cut_after`, how many bytes of a client are read before it is cut off, and
    `cut_reply_after`, how many bytes it is sent.
    """

    def __init__(self, port, *, address="127.0.0.1", **settings):
        self.set(**settings)
        self.sessions = []
        self.messages = []
        self._changed = threading.Condition()
        self._threads = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def set(self, *, replies=None, extensions=EXTENSIONS, tls=None, implicit_tls=False, users=None,
            lmtp=False, cut_after=None, cut_reply_after=None):
        """Other settings from now on, for sessions that are open too; what is left out is usual."""
        self.replies = replies or {}
        self.extensions = extensions
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.users = users or {}
        self.lmtp = lmtp
        self.cut_after = cut_after
        self.cut_reply_after = cut_reply_after

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            session = Session(self, connection)
            thread = threading.Thread(target=session.run, daemon=True)
            self._threads.append(thread)
            with self._changed:
                self.sessions.append(session)
                self._changed.notify_all()
            thread.start()

    def hang_up(self):
        """Ends every connection that there is."""
        for session in list(self.sessions):
            session.cut()

    def keep(self, message):
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def forget(self, message):
        with self._changed:
            self.messages.remove(message)

    def wait(self, look, what, seconds=20):
        """The first true value of look(), which is called after each message and connection."""
        with self._changed:
            assert self._changed.wait_for(look, seconds * SLOWER), f"no {what} at the far server"
            return look()

    def wait_messages(self, count, seconds=20):
        self.wait(lambda: len(self.messages) >= count, f"{count} messages", seconds)
        assert len(self.messages) == count, self.messages
        return self.messages
