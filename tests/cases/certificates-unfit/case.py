"""Certificates and keys that must not serve are refused by name, and nothing of them is told."""

import os
import pwd

import tls

ROOT = "tls"
SECRET = "$y$j9T$notForStrangers$norForTheLog"


def refused(box, current, file, reason):
    """What is wrong is said in one line; all is well again afterwards."""
    done = box.mtactl("reload-certs")
    assert done.returncode == 78 and done.stdout == b"", done
    line, = done.stderr.decode().splitlines()
    assert str(file) in line and reason in line, line
    assert line.endswith("; the certificates of before stay in use"), line
    assert tls.smtps() == current.fingerprint
    tls.install(current, "mx")
    return line


def reasons(box, current, folder):
    """What is said of each file that was made unfit."""
    key, chain = folder / "privkey.pem", folder / "fullchain.pem"
    for both in (current.chain + current.key, current.key + current.chain):
        tls.put(chain, both)
        yield refused(box, current, chain, "private key")
    alice = pwd.getpwnam("alice").pw_uid
    for file in (key, chain):
        os.chown(file, alice, 0)
        yield refused(box, current, file, f"belongs to uid {alice}")
    for mode in (0o620, 0o602):
        key.chmod(mode)
        yield refused(box, current, key, "written by others")
    # Whoever may write into the folder must not have us tell him what root alone may read.
    for file, lack in ((chain, "no certificate"), (key, "no private key")):
        file.unlink()
        file.symlink_to("/etc/shadow")
        yield refused(box, current, file, lack)


def run(box):
    with open("/etc/shadow", "a") as shadow:
        shadow.write(f"carol:{SECRET}:20000:0:99999:7:::\n")
    current = tls.Pair("mx.example.net")
    folder = tls.install(current, "mx")
    box.start()
    told = "\n".join([*reasons(box, current, folder), box.log.read_text()])
    for secret in (SECRET, "carol", *current.key.decode().splitlines()[1:-1]):
        assert secret not in told, f"{secret} was told:\n{told}"
    done = box.mtactl("reload-certs")
    assert done.returncode == 0 and b"(unchanged)" in done.stdout, done
    assert tls.smtps() == current.fingerprint
