"""Certificates for this machine: Pebble, an ACME server for tests, and what the clients are told.

The challenge is a real http-01: Pebble fetches it from port 80 of the host, which /etc/hosts
knows. The clients trust Pebble's own certificate as they trust any other (tests/root/recipes/acme).
"""

import gzip
import pathlib
import re
import subprocess

from box import ENVIRONMENT
from watch import wait_until

HOST = "box.example.net"
DIRECTORY = "https://localhost:14000/dir"
PEBBLE_LOG = pathlib.Path("/run/pebble.log")
PAGE = pathlib.Path("/usr/share/man/man8/mtactl.8.gz")


def start_pebble(authorizations_reused=0):
    """An ACME server that makes every client prove itself each time, unless told the percentage
    of authorizations that it remembers."""
    with open(PEBBLE_LOG, "wb") as log:
        pebble = subprocess.Popen(
            ["pebble", "-config", "/etc/pebble/config.json"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, env={**ENVIRONMENT, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0",
                             "PEBBLE_AUTHZREUSE": str(authorizations_reused)})
    wait_until(lambda: b"ACME directory available" in PEBBLE_LOG.read_bytes(), "Pebble to serve",
               [PEBBLE_LOG], [pebble.pid])
    return pebble


def in_manual(client):
    """The line of mtactl(8), CERTIFICATES, for a client: what is tested is what people read."""
    found = re.search(rf"(?m)^{client} +(\S.*)$", gzip.decompress(PAGE.read_bytes()).decode())
    assert found, f"mtactl(8) has no line for {client}"
    return found.group(1)


def fingerprint(certificate):
    """Of the first certificate of a file; None where there is none yet."""
    if not certificate.exists():
        return None
    done = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
                           certificate], capture_output=True, check=True)
    return done.stdout


def configuration(certificates):
    """smtpd.conf with the certificate of each host, as the words behind `cert HOST`."""
    lines = ["listen localhost:25 starttls", "local maildir ~/Maildir"]
    lines += [f"cert {host} {words}" for host, words in certificates.items()]
    return "\n".join(lines) + "\n"


def check_shown(host, chain):
    """Shell that says so where the next client is not shown the first certificate of this file."""
    return f"""shown=$(openssl s_client -connect 127.0.0.1:25 -starttls smtp -servername {host} \
    </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256)
[ "$shown" = "$(openssl x509 -noout -fingerprint -sha256 -in {chain})" ] ||
    echo "another certificate is shown: $shown" """
