"""s-nail sends a message with an attachment through sendmail."""


def run(box):
    box.start()
    box.home("alice").joinpath("data.bin").write_bytes(bytes(range(256)))
    done = box.run("alice", ["s-nail", "-:/", "-a", "data.bin", "-s", "with a file", "bob"], "hi\n")
    assert done.returncode == 0, done
    mail, = box.wait_mbox("bob")
    parts = mail.parsed.get_payload()
    assert parts[1].get_payload(decode=True) == bytes(range(256)), mail
