"""Includes go one way only: the table of what each library and room may know."""

from house import finish, lines_matching, name, sources

ENVELOPE = ("queue/envelope.h", "queue/verdict.h")
LINKS = ("smtpd/base/", "smtpd/links/", *ENVELOPE)
ROOM = (*LINKS, "smtpd/loop/", "smtpd/confine/")

# Folder: what its files may include, besides itself.
MAY = {
    "smtpd/base": (),
    "smtpd/mail": ("smtpd/base/",),
    "smtpd/links": ("smtpd/base/", *ENVELOPE),
    "smtpd/loop": ("smtpd/base/", "smtpd/links/"),
    "smtpd/confine": ("smtpd/base/", "smtpd/links/"),
    "smtpd/config": (*LINKS, "smtpd/mail/"),
    "smtpd/tls": (*LINKS, "smtpd/loop/"),
    "smtpd/signer": (*ROOM, "smtpd/tls/"),
    "queue": ("smtpd/base/",),
    "smtpd/parent": ROOM,
    "smtpd/smtpin": (*ROOM, "smtpd/mail/", "smtpd/tls/"),
    "smtpd/control": (*ROOM, "smtpd/mail/"),
    "smtpd/qmgr": (*ROOM, "smtpd/mail/", "queue/"),
    "smtpd/users": ROOM,
    "smtpd/dns": ("smtpd/base/", "smtpd/loop/", "smtpd/mail/ascii.h"),
    "smtpd/relay": (*ROOM, "smtpd/mail/", "smtpd/tls/", "smtpd/dns/"),
    "smtpd/mda": (*ROOM, "smtpd/mail/"),
    "smtpd/probe": (*ROOM, "smtpd/mail/", "smtpd/config/", "smtpd/tls/certificate_count.h",
                    "smtpd/tls/crypto_error.h", "smtpd/tls/private_key.h"),
    "ctl/sendmail": (*LINKS, "smtpd/mail/", "ctl/client/"),
    "ctl/mtactl": (*LINKS, "ctl/client/"),
    "ctl/client": LINKS,
}
# Libraries from outside, and the only folders that know them.
ONLY = {
    "event2/": ("smtpd/loop", "smtpd/tls"),
    "openssl/": ("smtpd/tls",),
    "CLI/": ("ctl/mtactl",),
    "unbound": ("smtpd/dns",),
}


def folder_of(path):
    parts = name(path).split("/")
    return parts[0] if parts[0] == "queue" else "/".join(parts[:2])


def check(path):
    folder = folder_of(path)
    if folder not in MAY:
        yield f"{name(path)}: {folder} is not in the table of tests/house/check_includes.py"
        return
    for number, match in lines_matching(path, r'^\s*#include\s+"([^"]+)"'):
        included = match.group(1)
        if not included.startswith((folder + "/", *MAY[folder])):
            yield f"{name(path)}:{number}: {folder} must not include {included}"
    for number, match in lines_matching(path, r"^\s*#include\s+<([^>]+)>"):
        for library, folders in ONLY.items():
            if match.group(1).startswith(library) and folder not in folders:
                yield f"{name(path)}:{number}: only {' and '.join(folders)} may know {library}"


finish([finding for path in sources("smtpd", "queue", "ctl") for finding in check(path)])
