"""A message handed to `sendmail -t` lies in the recipient's mbox, completed and whole."""

from box import MAIL

MESSAGE = """To: bob
Subject: first light

From the first line on
From here it could look like the next message.
.
end
"""


def run(box):
    box.start()
    box.submit("alice", ["-t", "-i"], MESSAGE)
    mail, = box.wait_mbox("bob")
    assert mail["Subject"] == "first light", mail
    assert "alice@box.example.net" in mail["From"], mail
    assert "Alice Example" in mail["From"], "the name comes from the user database"
    assert mail["To"] == "bob@box.example.net", mail
    assert mail["Date"] and mail["Message-ID"], mail
    received, = mail.parsed.get_all("Received")
    assert "1001" in received, "the uid it came from"
    assert mail.body == (b">From the first line on\n>From here it could look like the next "
                         b"message.\n.\nend\n"), mail.body
    inbox = (MAIL / "bob").stat()
    assert inbox.st_mode & 0o777 == 0o600, oct(inbox.st_mode)
