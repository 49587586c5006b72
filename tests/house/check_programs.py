"""Which libraries each program is linked with: the parent and sendmail with none, few with OpenSSL."""

import re
import subprocess

from house import BUILD, finish, program

STATIC = ("smtpd", "sendmail")
ROOMS = ("smtpin", "control", "qmgr", "users", "mda", "probe", "signer", "relay",
         "mtactl")
# Libraries by their names in front of ".so".
RUNTIME = {"libc", "libm", "libgcc_s", "libstdc++", "ld-linux-x86-64", "ld-linux-aarch64"}
EXTRA = {room: {"libevent_core-2.1"} for room in ("smtpin", "control", "qmgr", "users")}
EXTRA["smtpin"] |= {"libcrypto", "libssl"}
EXTRA["signer"] = {"libevent_core-2.1", "libcrypto"}
EXTRA["relay"] = {"libevent_core-2.1", "libcrypto", "libssl", "libunbound"}
EXTRA["probe"] = {"libcrypto"}


def needed(path):
    said = subprocess.run(["readelf", "--dynamic", "--program-headers", "--wide", path],
                          check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", said)), said


def check(name):
    path = program(name)
    if not path:
        yield f"{name}: not found, or found twice, below {BUILD}: build the preset ci first"
        return
    libraries, headers = needed(path)
    allowed = set() if name in STATIC else RUNTIME | EXTRA.get(name, set())
    for library in sorted(libraries):
        if library.split(".so")[0] not in allowed:
            yield f"{name}: is linked with {library}"
    if name in STATIC and "INTERP" in headers:
        yield f"{name}: is not static: it asks for a program interpreter"
    if " DYN " not in subprocess.run(["readelf", "-h", path], capture_output=True, text=True,
                                     check=True).stdout:
        yield f"{name}: is not position independent"
    if re.search(r"GNU_STACK.* RWE ", headers):
        yield f"{name}: has an executable stack"
    if "GNU_RELRO" not in headers:
        yield f"{name}: is not linked with -z relro"


finish([finding for name in (*STATIC, *ROOMS) for finding in check(name)])
