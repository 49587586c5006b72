"""A server cuts the connection at each byte of a transaction: no mail is lost, none is returned,
and none comes twice but where the cut came between the end of the message and the reply."""

import collections
import re

from far_server import FarServer
from watch import wait_until

DEADLINE = 300


def attempt(box, name):
    """Whether a first attempt with a message of this name was in vain."""
    def outcomes():
        return len(box.events("deferred")), len(box.events("delivered"))
    before = outcomes()
    box.submit("alice", ["dave@example.com"], f"Subject: {name}\n\n.a line\nanother\n")
    deferred, _ = wait_until(lambda: outcomes() if outcomes() != before else None,
                             f"an attempt with {name}", [box.log])
    return deferred > before[0]


def cut_everywhere(box, far, setting):
    """The names of the messages that were sent; the last one met no cut."""
    names = []
    in_vain = True
    while in_vain:
        names.append(f"{setting} {1 + len(names) * (1 if box.long else 9)}")
        far.set(**{setting: int(names[-1].split()[1])})
        in_vain = attempt(box, names[-1])
        far.set()
        if in_vain:
            assert box.mtactl("queue", "flush").returncode == 0
        box.wait_queue_empty()
    return names


def run(box):
    with FarServer(2526) as far:
        box.start()
        names = cut_everywhere(box, far, "cut_after") + cut_everywhere(box, far, "cut_reply_after")
        assert len(names) > 40, names
        arrived = collections.Counter(re.search(rb"Subject: (.+)\r\n", message.content)[1].decode()
                                      for message in far.messages)
    assert not box.events("bounced"), box.events("bounced")
    assert sorted(arrived) == sorted(names), set(names) ^ set(arrived)
    assert max(arrived.values()) == 2, "no cut came between the end of a message and its reply"
    twice = [name for name, times in arrived.items() if times > 1]
    doubtful = box.events("maybe-delivered")
    assert len(doubtful) >= len(twice), (twice, doubtful)
    assert all("reply" in name for name in twice), twice
