"""Mail for other machines leaves through the relay of smtpd.conf, from sendmail and from SMTP."""

from sink import Sink


def run(box):
    with Sink(2526) as sink:
        box.start()
        box.submit("alice", ["dave@example.com", "bob@localhost"], "Subject: away\n\nbody\n..\n")
        with box.smtp() as session:
            session.expect(250, "MAIL FROM:<carol@example.org>")
            session.expect(250, "RCPT TO:<erin@example.com>")
            session.expect(354, "DATA")
            session.expect(250, "Subject: by SMTP\r\n\r\nbody\r\n.")
        box.wait_queue_empty()
        mails = sink.wait(2)
    box.wait_mbox("bob")
    by_subject = {mail["Subject"]: mail for mail in mails}
    local, remote = by_subject["away"], by_subject["by SMTP"]
    assert local.body.rstrip(b"\n") == b"body\n..", local  # smtp-sink ends its files with a line more
    assert local["From"] == "Alice Example <alice@box.example.net>", local
    assert b"<dave@example.com>" in local.raw and b"bob@" not in local.raw, local
    assert b"<erin@example.com>" in remote.raw and b"<carol@example.org>" in remote.raw, remote
    assert box.events("delivered")[0]["via"], box.events("delivered")
