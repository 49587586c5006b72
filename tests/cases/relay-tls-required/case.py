"""F18: where TLS is required nothing is sent without it, nor to a server that cannot prove itself;
where it is not, a server that fails at it gets its mail all the same."""

import pathlib

import tls
from far_server import EXTENSIONS, FarServer

ROOT = "tls"
CA = pathlib.Path("/etc/holdfast/ca.pem")
SECRET = pathlib.Path("/etc/holdfast/secret")
PRIVATE = ("MAIL", "AUTH", "RCPT", "DATA")


def flawed_servers(own, other):
    """By what the log has to say of each."""
    stranger = tls.Pair("far.example.com")
    return {"does not offer STARTTLS": {},
            "454 4.7.0 not now": {"tls": tls.server_context(own),
                                  "replies": {"STARTTLS": "454 4.7.0 not now"}},
            "handshake": {"extensions": (*EXTENSIONS, "STARTTLS")},
            "self-signed": {"tls": tls.server_context(stranger)},
            "hostname": {"tls": tls.server_context(other)}}


def said_in_the_clear(far):
    return [line for session in far.sessions for line in session.lines
            if not session.secure and line.startswith(PRIVATE)]


def strict(box, far, good, flawed):
    """Mail waits for as long as the server is flawed, and then arrives."""
    for number, (reason, settings) in enumerate(flawed.items(), 1):
        far.set(**settings)
        box.submit("alice", ["dave@example.com"], "Subject: private\n\nbody\n")
        waits = box.wait_event("deferred", number)[-1]
        assert reason in waits["reason"], f"{waits['reason']}, where {reason!r} was expected"
        assert not said_in_the_clear(far), said_in_the_clear(far)
        assert len(far.messages) == number - 1, far.messages
        far.set(**good)
        assert box.mtactl("queue", "flush").returncode == 0
        far.wait_messages(number)
        assert far.messages[-1].session.secure and far.messages[-1].session.user == "me"
        box.wait_event("route-open", number)
        far.hang_up()  # the connection would be used again


def lenient(box, far, flawed):
    """Each server gets its mail, over TLS where it can."""
    before = len(box.events("delivered"))
    for number, settings in enumerate(flawed.values(), 1):
        far.set(**settings)
        box.submit("alice", ["dave@easy.example"], "Subject: no secret\n\nbody\n")
        far.wait_messages(number)
        box.wait_event("delivered", before + number)
        far.hang_up()


def run(box):
    with open("/etc/hosts", "a", encoding="ascii") as hosts:
        hosts.write("127.0.0.1 far.example.com\n")
    own, other = tls.Pair("far.example.com"), tls.Pair("elsewhere.example.com")
    tls.put(CA, own.chain + other.chain)
    tls.put(SECRET, b"secret\n", 0o600)
    flawed = flawed_servers(own, other)
    with FarServer(2587) as far, FarServer(2525) as easy:
        box.start()
        strict(box, far, {"tls": tls.server_context(own), "users": {"me": "secret"}}, flawed)
        lenient(box, easy, flawed)
        box.wait_queue_empty()
