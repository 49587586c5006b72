"""A user that does not exist is no error for `sendmail`: the sender gets a bounce."""

import email


def run(box):
    box.start()
    box.submit("alice", ["nobody-of-that-name", "bob"], "Subject: lost\n\nbody\n")
    assert box.wait_mbox("bob")[0]["Subject"] == "lost"
    bounce, = box.wait_mbox("alice")
    assert bounce["Return-Path"] == "<>", bounce
    assert bounce.parsed.get_content_type() == "multipart/report", bounce
    text, status, returned = bounce.parsed.get_payload()
    assert "nobody-of-that-name" in text.get_payload(), text
    assert status.get_content_type() == "message/delivery-status", status
    per_message, per_recipient = status.get_payload()
    assert per_message["Reporting-MTA"] == "dns; box.example.net", per_message
    assert per_recipient["Action"] == "failed", per_recipient
    assert per_recipient["Status"].startswith("5."), per_recipient
    assert "nobody-of-that-name@box.example.net" in per_recipient["Final-Recipient"], per_recipient
    original = email.message_from_string(returned.as_string().split("\n\n", 1)[1])
    assert original["Subject"] == "lost", returned
