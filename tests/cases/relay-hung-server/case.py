"""F42: a server that never answers keeps its own mail waiting and nobody else's; when it answers
again, what waited for it arrives."""

from box import SPOOL
from far_server import HANG, FarServer
from watch import wait_until

COUNT = 60


def run(box):
    with FarServer(2527, replies={"connect": HANG}) as hung, FarServer(2526) as sound:
        box.start()
        for number in range(COUNT):
            where = "hung.example" if number % 2 else "example.com"
            box.submit("alice", [f"dave@{where}", "bob"], f"Subject: {number}\n\nbody\n")
        sound.wait_messages(COUNT // 2)
        box.wait_mbox_while_queued("bob", COUNT)
        wait_until(lambda: len(box.queued()) == COUNT // 2, "only the hung half to be queued",
                   [SPOOL / "queue"])
        assert not hung.messages
        hung.set()
        hung.hang_up()
        assert box.mtactl("queue", "flush").returncode == 0
        hung.wait_messages(COUNT // 2)
        box.wait_queue_empty()
