"""Makes a root that nobody has booted look like a machine that runs under System V's init.

That is what packages and invoke-rc.d ask for: the runlevel in utmp, init's pipe, and no policy that
forbids to start services (tests/root/make puts one into each root).
"""

import os
import pathlib
import struct

RUN_LEVEL = 1  # ut_type


def enter(level):
    pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    os.mkfifo("/run/initctl", 0o600)
    numbers = ord("N") * 256 + ord(str(level))  # the one before, none, and this
    record = struct.pack("hi32s4s32s256shhiii4i20s", RUN_LEVEL, numbers, b"~", b"~~", b"runlevel",
                         b"", 0, 0, 0, 0, 0, 0, 0, 0, 0, b"")
    pathlib.Path("/run/utmp").write_bytes(record)
