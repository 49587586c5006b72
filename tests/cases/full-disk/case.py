"""F40: on a full disk mail is refused temporarily, nothing is left behind, and room cures it."""

import errno
import subprocess

from box import SET_UP, SPOOL


def mount_small_spool():
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=200", "small", SPOOL],
                   check=True)
    subprocess.run(SET_UP, check=True)


def eat_space():
    """Fill it to the last byte."""
    with open(SPOOL / "ballast", "wb", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while ballast.write(bytes(size)) == size:
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC, error


def give_space():
    (SPOOL / "ballast").unlink()


def eat_inodes():
    """Until no file can be created."""
    folder = SPOOL / "ballast"
    folder.mkdir()
    try:
        for number in range(100000):
            (folder / str(number)).touch()
    except OSError as error:
        assert error.errno == errno.ENOSPC, error


def give_inodes():
    for path in (SPOOL / "ballast").iterdir():
        path.unlink()


def send(box, subject):
    """The replies of one SMTP transaction, up to the first refusal."""
    with box.smtp() as session:
        for command in ("MAIL FROM:<carol@example.org>", "RCPT TO:<bob@box.example.net>", "DATA"):
            reply = session.command(command)
            if reply.code >= 400:
                return reply
        return session.body(f"Subject: {subject}\n\n" + "x" * 3000 + "\n")


def refused_and_nothing_stored(box):
    before = sorted(box.stored())
    reply = send(box, "too much")
    assert reply.code == 452, reply
    done = box.sendmail("alice", ["bob"], "Subject: too much\n\n" + "x" * 3000 + "\n")
    assert done.returncode == 75, done
    assert done.stdout == b"" and done.stderr.count(b"\n") == 1, done
    assert sorted(box.stored()) == before, "something of a refused message is left"


def one_clear_line(box, shortages):
    """The log says each shortage once, naming the reason."""
    lines = [line for line in box.log.read_text().splitlines() if "No space left" in line]
    assert len(lines) == shortages, f"{len(lines)} lines about the full disk: {lines}"


def normal_again(box, shortages):
    """The daemon notices by itself; mail is taken and delivered by the same processes."""
    box.wait_event("disk-recovered", shortages, seconds=60)
    assert send(box, "room again").code == 250
    box.submit("alice", ["bob"], "Subject: room again\n\nbody\n")
    mails = box.wait_mbox("bob", 2 * shortages)
    assert all(mail["Subject"] == "room again" for mail in mails), mails


def run(box):
    mount_small_spool()
    box.start()
    box.wait_event("scheduling")
    for shortages, (eat, give) in enumerate(((eat_space, give_space), (eat_inodes, give_inodes)), 1):
        eat()
        refused_and_nothing_stored(box)
        refused_and_nothing_stored(box)
        one_clear_line(box, shortages)
        give()
        normal_again(box, shortages)
