"""A restart to a version whose state and links have more members, or fewer, and messages unknown here.

Rooms of the next version run below this parent, and rooms of this version below a parent whose
state comes from an earlier or a later one; what they don't know of each other they pass over.
"""

import tls
from upgrade import Witnesses, stand_in

ROOT = "tls"
ROOMS = ("smtpin", "control", "qmgr", "users", "signer")


def good_restart(box, what):
    done = box.mtactl("restart")
    assert done.returncode == 0, f"{what}: {done}"


def below_other_rooms(box, witnesses):
    """Each room as a later one would be; then the real ones again, while those drain."""
    for room in ROOMS:
        with stand_in(room, **{room: "later"}):
            good_restart(box, room)
            witnesses.check(f"with a later {room}")
            assert box.mtactl("status").returncode == 0
            good_restart(box, f"{room} to {room}")
            witnesses.check(f"from a later {room} to another")
        good_restart(box, f"back from {room}")
        witnesses.check(f"without {room}")
    unknown = {event["room"] for event in box.events("message-unknown")}
    assert unknown == set(ROOMS), unknown


def from_other_states(box, witnesses):
    for act in ("later", "earlier"):
        with stand_in("smtpd", rehearse=act, resume=act):
            good_restart(box, act)
            witnesses.check(f"from a state that is {act}")
        good_restart(box, "good")
        witnesses.check(f"after a state that was {act}")


def run(box):
    box.deaths_expected = True  # an earlier smtpd knows of no `users`: what it has of it is let go
    tls.install_own()
    box.start()
    pid = box.daemon.pid
    witnesses = Witnesses(box, secure=True)
    below_other_rooms(box, witnesses)
    assert not box.events("room-ended"), box.events("room-ended")
    from_other_states(box, witnesses)
    witnesses.finish()
    assert box.daemon.poll() is None and box.daemon.pid == pid
