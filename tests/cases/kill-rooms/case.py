"""F15: fifty times a room is killed under load; nothing acknowledged is lost or comes twice."""

from kill_rounds import kill_under_load

LONG = True
DEADLINE = 900


def run(box):
    kill_under_load(box, rounds=50)
