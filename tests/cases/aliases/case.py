"""/etc/aliases decides where local names go; each person gets one copy, a loop bounces."""


def run(box):
    box.start()
    box.submit("bob", ["team", "root", "alice"], "Subject: to three\n\nbody\n")
    for user in ("alice", "bob"):
        mail, = box.wait_mbox(user)
        assert mail["Subject"] == "to three", mail
    with box.smtp() as session:
        assert session.mail("carol@example.org", ["postmaster@box.example.net"],
                            "Subject: by chain\n\nbody\n").code == 250
    assert [mail["Subject"] for mail in box.wait_mbox("alice", 2)] == ["to three", "by chain"]

    box.submit("bob", ["loop-a"], "Subject: round and round\n\nbody\n")
    assert "loop-a" in str(box.wait_mbox("bob", 2)[1].parsed)

    # A changed file counts from newaliases on.
    with open("/etc/aliases", "a") as aliases:
        aliases.write("news: bob\n")
    done = box.run("root", ["/usr/bin/newaliases"])
    assert done.returncode == 0, done
    assert b"/etc/aliases:" in done.stderr and b'"loop-a" leads back to itself' in done.stderr, done
    box.submit("alice", ["news"], "Subject: by a new alias\n\nbody\n")
    assert box.wait_mbox("bob", 3)[2]["Subject"] == "by a new alias"
