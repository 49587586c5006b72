"""A message that comes in by SMTP lies in each recipient's Maildir, once."""

MESSAGE = """From: carol@example.org
To: alice@box.example.net
Subject: by SMTP

.a line that begins with a dot
gr\u00fc\u00dfe
"""


def run(box):
    box.start()
    with box.smtp() as session:
        reply = session.mail("carol@example.org",
                             ["alice@box.example.net", "bob@localhost"], MESSAGE)
        assert reply.code == 250, reply
        session.expect(221, "QUIT")
    for user in ("alice", "bob"):
        mail, = box.wait_maildir(user)
        assert mail["Subject"] == "by SMTP", mail
        by_smtpin = mail.parsed.get_all("Received")[-1]
        assert "client.example.org" in by_smtpin, "Received names what EHLO said"
        assert mail["Return-Path"] == "<carol@example.org>", mail
        assert mail.body == ".a line that begins with a dot\ngr\u00fc\u00dfe\n".encode(), mail
        assert mail.path.parent.name == "new"
        facts = mail.path.stat()
        assert facts.st_mode & 0o777 == 0o600 and facts.st_uid == box.home(user).stat().st_uid
