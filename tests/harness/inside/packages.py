"""The package of this build, and others made of it: a later version, one that is broken."""

import pathlib
import subprocess

VERSIONED = ("usr/sbin/smtpd", "usr/sbin/mtactl")  # they know their version


FOLDER = pathlib.Path("/root/packages")


def version():
    """Of the package that is installed, and its state as dpkg shows it."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "holdfast"],
                          capture_output=True, text=True)
    return done.stdout


def original():
    """The package that this root was made with."""
    number = version().split()[0]
    found = list(pathlib.Path("/build/package").glob(f"holdfast_{number}_*.deb"))
    assert len(found) == 1, found
    return found[0]


def make(of, version, spoil=None):
    """The same programs as another version, of a number as long; spoil(tree) changes what it likes."""
    before = of.name.split("_")[1]
    assert len(version) == len(before), (version, before)
    tree = FOLDER / version
    FOLDER.mkdir(exist_ok=True)
    subprocess.run(["dpkg-deb", "-R", of, tree], check=True)
    for name in VERSIONED:
        program = tree / name
        text = program.read_bytes()
        assert before.encode() in text, f"{name} does not know the version {before}"
        program.write_bytes(text.replace(before.encode(), version.encode()))
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {before}\n", f"Version: {version}\n"))
    if spoil:
        spoil(tree)
    package = FOLDER / f"{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, package], check=True,
                   stdout=subprocess.DEVNULL)
    return package
