"""mtactl status shows rooms, listeners and the queue; with --json a program can read it."""

import processes


def run(box):
    box.start()
    shown = box.mtactl("status")
    assert shown.returncode == 0 and shown.stderr == b"", shown
    for word in (b"smtpin", b"control", b"qmgr", b"users", b"127.0.0.1:25", b"generation"):
        assert word in shown.stdout, f"{word} is missing:\n{shown.stdout.decode()}"

    status = box.mtactl_json("status")
    pids = {room["room"]: room["pid"] for room in status["rooms"]}
    for name in ("smtpin", "control", "qmgr", "users"):
        assert pids[name] == processes.room(name).pid, status
        assert any(room["uid"] == processes.room(name).uid for room in status["rooms"]), status
    assert status["generation"] == 1, status
    assert "127.0.0.1:25" in status["listeners"], status

    anyone = box.mtactl("status", user="alice")
    assert anyone.returncode == 0, anyone
