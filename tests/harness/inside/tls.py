"""Keys and certificates of a test's own, and TLS clients that look at what they are shown."""

import hashlib
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile

import smtp
from watch import SLOWER

LIVE = pathlib.Path("/etc/holdfast/tls")


def openssl(*arguments, stdin=b""):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=60 * SLOWER)
    assert done.returncode == 0, done
    return done


class Pair:
    """A key and a certificate signed with it, as bytes."""

    def __init__(self, host, days=90):
        done = openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                       "-nodes", "-keyout", "/dev/stdout", "-out", "/dev/stdout",
                       "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
                       "-days", days)
        text = done.stdout.decode()
        at = text.index("-----BEGIN CERTIFICATE-----")
        self.key, self.chain = text[:at].encode(), text[at:].encode()
        self.fingerprint = fingerprint(ssl.PEM_cert_to_DER_cert(text[at:]))


def fingerprint(der):
    return hashlib.sha256(der).hexdigest()


def put(path, data, mode=0o644):
    """In one step, as ACME clients do."""
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
    fresh.replace(path)


def install(pair, folder):
    """Key and certificate as certbot leaves them below live/."""
    folder = LIVE / folder
    folder.mkdir(parents=True, exist_ok=True)
    put(folder / "privkey.pem", pair.key, 0o600)
    put(folder / "fullchain.pem", pair.chain)
    return folder


def install_own():
    """Of this machine, where the configurations of most cases expect it."""
    pair = Pair("box.example.net")
    install(pair, ".")
    return pair


def server_context(pair):
    """Of a server that shows this certificate."""
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pair.key + pair.chain)
        file.flush()
        result.load_cert_chain(file.name)
    return result


def context():
    """Of a client that looks for itself whom it speaks with."""
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.check_hostname = False
    result.verify_mode = ssl.CERT_NONE
    return result


def over_tls(session, host=None, client=None):
    """The session goes on over TLS; it has the fingerprint of the certificate that it was shown."""
    session.socket = (client or context()).wrap_socket(session.socket, server_hostname=host)
    session.fingerprint = fingerprint(session.socket.getpeercert(binary_form=True))
    return session


def starttls(host=None, port=25):
    session = smtp.Session(port=port)
    session.expect(250, "EHLO client.example.org")
    session.expect(220, "STARTTLS")
    return over_tls(session, host)


def smtps(host=None, port=465, client=None):
    """The fingerprint that a connection is shown which begins with TLS."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=20 * SLOWER)
    with (client or context()).wrap_socket(plain, server_hostname=host) as connection:
        return fingerprint(connection.getpeercert(binary_form=True))
