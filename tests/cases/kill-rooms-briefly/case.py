"""F15: each room is killed once under load; nothing acknowledged is lost or comes twice."""

from kill_rounds import kill_under_load

DEADLINE = 180


def run(box):
    kill_under_load(box, rounds=5)
