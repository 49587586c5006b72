"""mtactl check names every independent error with its place, and ends with status 78."""

import json


def run(box):
    good = box.mtactl("check")
    assert good.returncode == 0, good
    broken = box.folder / "broken.conf"
    bad = box.mtactl("check", str(broken))
    assert bad.returncode == 78, bad
    text = (bad.stdout + bad.stderr).decode()
    for line in (1, 2, 3):
        assert f"{broken}:{line}:" in text, text
    assert 'did you mean "local"' in text, text

    as_json = box.mtactl("check", "--json", str(broken))
    assert as_json.returncode == 78, as_json
    verdict = json.loads(as_json.stdout)
    assert as_json.stdout.endswith(b"\n") and not verdict["ok"], as_json
    assert {error["line"] for error in verdict["diagnostics"]} == {1, 2, 3}, as_json

    assert box.run("root", ["smtpd", "-n"]).returncode == 0
    assert box.run("root", ["smtpd", "-n", "-f", str(broken)]).returncode == 78
