"""What every mail system that takes our mail has to show."""

import collections

from load import smtp_source
from peer import Peer
from watch import wait_until


def check(box, name):
    """Messages from outside and from sendmail leave through the peer, each once and unchanged."""
    count = 2000 if box.long else 200
    with Peer(name) as peer:
        box.start()
        smtp_source(box, "dave@example.com", count)
        box.submit("alice", ["erin@example.com"],
                   "Subject: caf\xe9\nX-Long: " + "x" * 1500 + "\n\n.dot\nna\xefve " + "y" * 1500 + "\n")
        box.wait_queue_empty(seconds=300)
        # It has taken them; now it puts them into its mailbox.
        mails = wait_until(lambda: len(peer.mails()) > count and peer.mails(),
                           f"{count + 1} messages at {name}", [peer.folder / "mail/new"], seconds=300)
    assert len(mails) == count + 1, len(mails)
    ids = collections.Counter(mail["Message-ID"] for mail in mails)
    assert max(ids.values()) == 1, ids.most_common(3)
    ours, = [mail for mail in mails if mail["X-Long"]]
    body = ours.parsed.get_payload(decode=True).decode()
    assert body.startswith(".dot\nna\xefve yyy") and body.count("y") == 1500, ours
    delivered = [event for event in box.events("delivered") if event["to"] == "erin@example.com"]
    assert len(delivered) == 1 and not box.events("bounced"), delivered
