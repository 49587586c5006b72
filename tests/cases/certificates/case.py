"""F09, F10: certificates are served by name, renewed without a restart, and their keys are signer's."""

import os
import re
import signal
import socket
import ssl
import subprocess

import processes
import smtp
import tls
from box import CONFIG, CONTROL, ENVIRONMENT
from watch import wait_exit, wait_until

ROOT = "tls"
DEADLINE = 180


def s_client(*arguments):
    return tls.openssl("s_client", "-connect", "127.0.0.1:25", "-starttls", "smtp", *arguments,
                       stdin=b"QUIT\r\n").stdout.decode()


def served_by_name(box, first, other):
    assert tls.starttls().fingerprint == first.fingerprint
    assert tls.starttls("other.example.net").fingerprint == other.fingerprint
    assert tls.smtps("other.example.net") == other.fingerprint
    assert tls.smtps("stranger.example.net") == first.fingerprint
    shown = s_client("-servername", "other.example.net")
    assert "CN = other.example.net" in shown, shown
    done = subprocess.run(["swaks", "--server", "127.0.0.1", "--tls", "--helo", "c.example.org",
                           "--from", "alice@box.example.net", "--to", "bob@localhost"],
                          capture_output=True, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 0, done
    box.wait_mbox("bob")


def residents():
    """Every process but agents, which come and go with the mail; none of them is being started."""
    return {process.pid for process in processes.ours() if not process.executable.endswith("/mda")}


def renewed(box, first):
    """The first connection after the command sees the new one; nothing else has changed."""
    inode, pids = CONTROL.stat().st_ino, residents()
    held = tls.starttls()
    new = tls.Pair("mx.example.net")
    tls.install(new, "mx")
    done = box.mtactl("reload-certs")
    assert done.returncode == 0 and done.stderr == b"", done
    assert tls.smtps() == new.fingerprint
    assert tls.starttls("mx.example.net").fingerprint == new.fingerprint
    said = done.stdout.decode()
    assert new.fingerprint in said and first.fingerprint in said, said
    assert "(unchanged)" in said and "in 89 days" in said, said
    assert CONTROL.stat().st_ino == inode
    assert residents() == pids, (pids, processes.ours())
    held.expect(250, "EHLO client.example.org")  # goes on with what it was shown
    return new


def refused(box, current):
    """An unfit pair is named; what was there before stays in use."""
    tls.put(tls.LIVE / "mx/privkey.pem", tls.Pair("mx.example.net").key, 0o600)
    done = box.mtactl("reload-certs")
    assert done.returncode == 78 and done.stdout == b"", done
    line, = done.stderr.decode().splitlines()
    assert "mx/fullchain.pem" in line, line
    assert line.endswith("; the certificates of before stay in use"), line
    assert tls.smtps() == current.fingerprint
    tls.put(tls.LIVE / "mx/privkey.pem", current.key, 0o600)
    assert box.mtactl("reload-certs").returncode == 0


def opened(pid):
    """What the descriptors of a process stand for."""
    found = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except FileNotFoundError:
            pass  # it has just been closed
    return found


def holds_key(pid):
    """The file of a key, or the parent's copy of it."""
    return any("privkey" in what or "memfd:key" in what for what in opened(pid))


def only_root_reads(box):
    """F10: keys that only root may read are the parent's to keep and signer's to use."""
    assert processes.room("signer").uid != 0
    assert holds_key(box.daemon.pid), opened(box.daemon.pid)
    for room in ("smtpin", "control", "qmgr", "users"):
        process = processes.room(room)
        assert process.uid != 0, process
        assert not holds_key(process.pid), (room, opened(process.pid))


def rooms_killed(box, current):
    """Those that come in their place get what was checked, not what the files are now."""
    tls.put(tls.LIVE / "mx/privkey.pem", b"half of a new key\n", 0o600)
    signer_killed(box, current)
    smtpin_killed(current)
    tls.install(current, "mx")


def signer_killed(box, current):
    earlier = {event.pid for event in box.events("key-loaded")}
    os.kill(processes.room("signer").pid, signal.SIGKILL)

    def loaded():
        return len([event for event in box.events("key-loaded") if event.pid not in earlier]) >= 2

    wait_until(loaded, "both keys in another signer", [box.log])
    # smtpin learns of it at the same time: an attempt that comes too early is in the log as well.
    wait_until(lambda: shows(current), "TLS with another signer", [box.log])


def shows(current):
    try:
        return tls.smtps() == current.fingerprint
    except OSError:
        return False


def smtpin_killed(current):
    before = processes.room("smtpin").pid
    os.kill(before, signal.SIGKILL)
    wait_exit(before, "smtpin")
    # The listener is the parent's as well: whoever connects waits until another smtpin serves.
    assert tls.smtps() == current.fingerprint
    assert processes.room("smtpin").pid != before


def resumed(box):
    """A session that was begun before a restart goes on after it."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        client = tls.context()
        client.minimum_version = client.maximum_version = version
        reused, session = shake_hands(client)
        assert not reused
        assert box.mtactl("restart").returncode == 0
        reused, _ = shake_hands(client, session)
        assert reused, version


def shake_hands(client, session=None):
    """Whether an earlier session goes on; and this one, with the tickets that come before the greeting."""
    plain = socket.create_connection(("127.0.0.1", 465), timeout=20)
    with client.wrap_socket(plain, server_hostname="mx.example.net", session=session) as connection:
        assert connection.recv(100).startswith(b"220 ")
        return connection.session_reused, connection.session


def expires_soon(box):
    """A line on standard error and one in the log; only status has an exit status for it."""
    status = box.mtactl_json("status")
    assert [row["host"] for row in status["certificates"]] == [
        "mx.example.net", "other.example.net"], status
    tls.install(tls.Pair("mx.example.net", days=2), "mx")
    assert box.mtactl("reload-certs").returncode == 0  # two of two days are left
    tls.install(short_lived("mx.example.net"), "mx")
    for command, code in (("reload-certs", 0), ("status", 1)):
        done = box.mtactl(command)
        assert done.returncode == code, done
        assert re.search(rb"certificate of mx.example.net .* expires on", done.stderr), done
    assert box.events("certificate-expires")[-1]["host"] == "mx.example.net"


def short_lived(host):
    """In the last third of its life."""
    pair = tls.Pair(host)
    folder = tls.LIVE / "short"
    folder.mkdir()
    for name, text in (("serial", "01\n"), ("index.txt", "")):
        (folder / name).write_text(text)
    (folder / "key").write_bytes(pair.key)
    (folder / "ca.conf").write_text(f"""[ca]
default_ca=x
[x]
database={folder}/index.txt
serial={folder}/serial
new_certs_dir={folder}
default_md=sha256
policy=p
x509_extensions=e
[p]
commonName=supplied
[e]
subjectAltName=DNS:{host}
""")
    request = folder / "request"
    tls.openssl("req", "-new", "-key", folder / "key", "-subj", f"/CN={host}", "-out", request)
    clock = subprocess.run(["date", "-u", "-d", "-80 days", "+%Y%m%d%H%M%SZ"], check=True,
                           capture_output=True, text=True).stdout.strip()
    end = subprocess.run(["date", "-u", "-d", "+10 days", "+%Y%m%d%H%M%SZ"], check=True,
                         capture_output=True, text=True).stdout.strip()
    tls.openssl("ca", "-batch", "-selfsign", "-config", folder / "ca.conf", "-keyfile",
                folder / "key", "-in", request, "-startdate", clock, "-enddate", end, "-notext",
                "-out", folder / "chain")
    pair.chain = (folder / "chain").read_bytes()
    return pair


def without_certificates(box):
    """The next configuration names none: TLS is gone, and asking for it is no failure."""
    before = box.events("serving")[-1]["generation"]
    CONFIG.write_text("listen localhost:25\nlisten localhost:465\n")
    done = box.mtactl("reload")
    assert done.returncode == 0, done

    def over():
        return any(event["generation"] == before for event in box.events("generation-over"))

    wait_until(over, f"the end of generation {before}", [box.log])  # with it go the keys
    with box.smtp() as session:
        offered = session.expect(250, "EHLO client.example.org")
        assert not any("STARTTLS" in line for line in offered.lines), offered
        session.expect(502, "STARTTLS")
        session.expect(250, "NOOP")
    with smtp.Session(port=465) as session:
        assert session.greeting.code == 220, session.greeting
    assert box.mtactl_json("status")["certificates"] == []
    done = box.mtactl("reload-certs")
    assert done.returncode == 0 and b"names no certificates" in done.stdout, done
    # The keys have gone, and who held them.
    assert not [process for process in processes.ours() if process.name == "signer"]
    assert not holds_key(box.daemon.pid), opened(box.daemon.pid)


def run(box):
    box.deaths_expected = True
    first, other = tls.Pair("mx.example.net"), tls.Pair("other.example.net")
    tls.install(first, "mx")
    tls.install(other, "other")
    box.start()
    served_by_name(box, first, other)
    current = renewed(box, first)
    refused(box, current)
    only_root_reads(box)
    rooms_killed(box, current)
    resumed(box)
    expires_soon(box)
    without_certificates(box)
