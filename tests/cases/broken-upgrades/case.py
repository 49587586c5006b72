"""F12: an upgrade that cannot work changes nothing and says why; the next good one succeeds."""

import contextlib
import resource
import socket

import tls
from box import CONFIG
from upgrade import (Witnesses, of_another_machine, other_program, path_of, stand_in,
                     without_library)

DEADLINE = 400
ROOT = "tls"


@contextlib.contextmanager
def config(text):
    good = CONFIG.read_text()
    CONFIG.write_text(text)
    try:
        yield
    finally:
        CONFIG.write_text(good)


@contextlib.contextmanager
def config_that_is_a_folder():
    good = CONFIG.read_text()
    CONFIG.unlink()
    CONFIG.mkdir()
    try:
        yield
    finally:
        CONFIG.rmdir()
        CONFIG.write_text(good)


@contextlib.contextmanager
def without_file(program):
    path = path_of(program)
    aside = path.rename(path.with_name("aside"))
    try:
        yield
    finally:
        aside.rename(path)


@contextlib.contextmanager
def port_in_use():
    with socket.create_server(("127.0.0.1", 2525)):
        with config("listen localhost:25\nlisten 127.0.0.1:2525\nlocal mbox\n"):
            yield


@contextlib.contextmanager
def few_files(pid):
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (100, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def key(content, mode=0o600):
    """Another one in the place of the key."""
    path = tls.LIVE / "privkey.pem"
    good = path.read_bytes()
    tls.put(path, content)
    path.chmod(mode)
    try:
        yield
    finally:
        tls.put(path, good, 0o600)


def breakages(box):
    """What is wrong, and what the verdict has to say of it."""
    yield "smtpd not executable", other_program("smtpd", b"x", 0o644), "Permission denied"
    yield "smtpd a text", other_program("smtpd", b"no program\n"), "Exec format error"
    yield "smtpd of another machine", other_program("smtpd", of_another_machine("smtpd")), \
        "Exec format error"
    yield "room not executable", other_program("users", b"x", 0o644), \
        "cannot execute /usr/libexec/holdfast/users: Permission denied"
    yield "room of another machine", other_program("control", of_another_machine("control")), \
        "cannot execute /usr/libexec/holdfast/control: Exec format error"
    yield "room missing", without_file("qmgr"), "/usr/libexec/holdfast/qmgr: No such file"
    for program in ("probe", "qmgr", "smtpin", "mda"):
        yield f"{program} without its library", other_program(program, without_library(program)), \
            "libgone++.so.6: cannot open shared object file"
    yield "crash before main", stand_in("smtpd", rehearse="crash"), "Segmentation fault"
    yield "crash of a room", stand_in("smtpin", smtpin="crash"), \
        "smtpin could not start (signal 11 (Segmentation fault))"
    yield "state from the future", stand_in("smtpd", rehearse="future"), \
        "the state that is handed over has version 2, and this smtpd knows version 1"
    yield "wrong configuration", config("listen localhost:25\nlocal mboxx\n"), \
        "smtpd.conf:2:"
    yield "unreadable configuration", config_that_is_a_folder(), "smtpd.conf: error: this file is not a regular file"
    yield "port in use", port_in_use(), \
        "smtpd.conf:2: cannot listen on 127.0.0.1:2525 (another program listens there"
    yield "mismatched key", key(tls.Pair("box.example.net").key), "privkey.pem"
    yield "unreadable key", key(b"no key\n"), "privkey.pem"
    yield "key that others may write", key(tls.Pair("box.example.net").key, 0o620), \
        "privkey.pem may be written by others"
    yield "few files", few_files(box.daemon.pid), "the limit of open files is too low"
    # After the exec: back into the old program, by another exec.
    yield "refused after exec", stand_in("smtpd", resume="refuse"), \
        "rolled back: the stand-in refuses the state"
    yield "room broken after exec", stand_in("smtpin", smtpin="crash-later"), \
        "rolled back: the room smtpin could not start"
    if not box.long:
        return
    yield "hang in the rehearsal", stand_in("smtpd", rehearse="hang"), \
        "the new smtpd did not get ready in time"
    yield "hang of a room", stand_in("users", users="hang"), "users could not start"
    yield "hang of the probe", stand_in("probe", probe="hang"), "the probe took too long"


def serving(box):
    return box.mtactl_json("status")["generation"]


def attempt(box, breakage, words):
    """A restart that cannot succeed, and what has not changed."""
    before = serving(box)
    with breakage:
        refused = box.mtactl("restart")
        said = refused.stderr.decode()
        assert 64 <= refused.returncode <= 78 and words in said, refused
        status = box.mtactl_json("status")
        assert status["generation"] == before, status
        assert status["last_change"].startswith("restart: "), status
        assert status["last_change"].removeprefix("restart: ") in said, (status, said)
        assert box.daemon.poll() is None


def run(box):
    box.deaths_expected = True
    tls.install_own()
    box.start()
    witnesses = Witnesses(box, secure=True)
    for name, breakage, words in breakages(box):
        attempt(box, breakage, words)
        witnesses.check(f"after {name}")
        good = box.mtactl("restart")
        assert good.returncode == 0, f"after {name}: {good}"
        assert box.mtactl_json("status")["last_change"] == "restart: done"
        print(f"held: {name}", flush=True)
    witnesses.check("at the end")
    witnesses.finish()
