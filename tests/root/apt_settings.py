"""The machine's own apt sources and settings: where a private root gets its packages from.

Nothing here names a mirror: a root uses what the machine that it is built on uses.
"""

import pathlib
import re
import subprocess
from dataclasses import dataclass

RELEASE = "bookworm"
DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# What a machine may need set to reach its mirror at all.
KEPT_SETTINGS = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries")


@dataclass(frozen=True)
class Source:
    uri: str
    suite: str
    components: tuple
    keyring: str

    def line(self):
        return f"deb {self.uri} {self.suite} {' '.join(self.components)}"


def _one_line(text):
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line)
        if not match:
            continue
        options, uri, suite, components = match.groups()
        signed = re.search(r"signed-by=(\S+)", options or "")
        yield Source(uri, suite, tuple(components.split()),
                     signed.group(1) if signed else DEFAULT_KEYRING)


def _deb822(text):
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        unfolded = re.sub(r"\n[ \t]+", " ", "\n".join(lines))
        fields = {name.lower(): value.strip()
                  for name, value in re.findall(r"(?m)^([A-Za-z-]+):(.*)$", unfolded)}
        if "deb" not in fields.get("types", "").split() or fields.get("enabled") == "no":
            continue
        keyring = fields.get("signed-by", DEFAULT_KEYRING)
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, tuple(fields.get("components", "").split()), keyring)


def read(etc_apt="/etc/apt"):
    """Every source of Debian 12 that the machine has, its main suite first."""
    folder = pathlib.Path(etc_apt)
    lists = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]
    found = [source for path in lists if path.exists() for source in _one_line(path.read_text())]
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        found += _deb822(path.read_text())
    debian = [source for source in found
              if source.suite.split("-")[0] == RELEASE and "main" in source.components]
    debian.sort(key=lambda source: source.suite != RELEASE)
    if not debian or debian[0].suite != RELEASE:
        raise SystemExit(f"tests/root: /etc/apt names no mirror of Debian {RELEASE}; "
                         f"add one to /etc/apt/sources.list and repeat")
    return debian


def settings():
    """apt.conf lines that a root needs to reach the mirror as this machine does."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True)
    return [line for line in dump.stdout.splitlines() if line.startswith(KEPT_SETTINGS)]


def configure(root, sources):
    """Write the machine's sources and settings into `root`."""
    apt = pathlib.Path(root) / "etc/apt"
    (apt / "sources.list").write_text("".join(source.line() + "\n" for source in sources))
    (apt / "apt.conf.d/80machine").write_text("\n".join(settings()) + "\n")
    (apt / "apt.conf.d/81tests").write_text(
        'APT::Install-Recommends "false";\nDPkg::Use-Pty "false";\nAcquire::Languages "none";\n')
