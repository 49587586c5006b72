"""Finds the cases of tests/cases and runs each in a private root, several at a time.

A case is a folder with case.py: a docstring that says what it shows, and run(box), where `box` is
harness/inside/box.py. It may set ROOT (a recipe of tests/root/recipes, default "mailers") and
DEADLINE in seconds. PEER names a recipe, too: the root of another mail system (inside/peer.py).
With INIT = "systemd" the root is "systemd", process 1 is that, and `box` is
harness/inside/systemd_box.py. The folder's smtpd.conf and aliases, if any, are the daemon's.
"""

import ast
import concurrent.futures
import enum
import os
import shutil
import subprocess
import time
from dataclasses import dataclass

from building import folder, label, package
from host import OUT, TESTS, Failed, as_root, output, quiet

SLOWER_WITH_SANITIZERS = 4


class Extent(enum.Enum):
    SHORT = "short"
    LONG = "long"  # of cases that have a longer form, that one


@dataclass(frozen=True)
class Case:
    name: str
    summary: str
    root: str
    peer: str  # the root of another mail system; empty: there is none
    init: str  # process 1 of the root; empty: none to speak of
    deadline: int


def read(path):
    """The case's settings, without running it."""
    tree = ast.parse(path.read_text())
    settings = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)}
    init = settings.get("INIT", "")
    return Case(path.parent.name, (ast.get_docstring(tree) or "").split("\n")[0],
                settings.get("ROOT", init or "mailers"), settings.get("PEER", ""), init,
                settings.get("DEADLINE", 90))


def find():
    return [read(path) for path in sorted((TESTS / "cases").glob("*/case.py"))]


def can_enter():
    """Private roots need what a container may not give."""
    probe = as_root("unshare", "--mount", "--net", "--pid", "--fork", "true")
    if subprocess.run(probe, capture_output=True).returncode != 0:
        raise Failed("the cases need root and its own mount, network and process namespaces "
                     "(unshare); this machine gives none")


def peer_options(lower):
    """The layers of the peer's root, as the case finds them: options of enter, and of env."""
    layers = lower.split(":") if lower else []
    inside = [f"/srv/layers/{number}" for number in range(len(layers))]
    binds = [word for layer, place in zip(layers, inside)
             for word in ("--bind-ro", f"{layer}:{place}")]
    return binds, [f"PEER_LOWER={':'.join(inside)}"]


def run_one(case, lower, preset, extent):
    out = OUT / "cases" / f"{case.name}.{preset}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    slow = SLOWER_WITH_SANITIZERS if preset.startswith("asan") else 1
    binds, environment = peer_options(lower[case.peer] if case.peer else "")
    # timeout as root: a plain user could not end what sudo has started.
    command = as_root("timeout", "--kill-after=5", str(case.deadline * slow),
                      TESTS / "root/enter", "--lower", lower[case.root], "--bind-ro", f"{TESTS}:/tests",
                      "--bind-ro", f"{folder(preset)}:/build", "--bind", f"{out}:/out",
                      *binds, *(["--init", case.init] if case.init else []), "--",
                      "env", f"SLOWER={slow}", *environment, *(["LONG=1"] if extent is Extent.LONG else []),
                      "python3", "-B", "/tests/harness/inside/run_case.py", case.name)
    try:
        quiet(command, out / "case.log")
    except Failed as failure:
        if str(failure).splitlines()[-1].startswith("timeout: status 124"):
            raise Failed(f"not done within {case.deadline * slow} s\n{failure}") from failure
        raise


def run(chosen, preset, report, extent=Extent.SHORT):
    """Run these cases with the package of this build."""
    report.section(f"{len(chosen)} cases, each with a daemon of its own ({preset})")
    try:
        can_enter()
        built = package(preset)
        lower = {root: output(as_root(TESTS / "root/make", root, "--package", built))
                 for root in sorted({case.root for case in chosen})}
        lower |= {peer: output(as_root(TESTS / "root/make", peer))
                  for peer in sorted({case.peer for case in chosen if case.peer})}
    except Failed as failure:
        for case in chosen:
            report.add(label(preset, case.name), 0, str(failure))
        return

    def timed(case):
        started = time.monotonic()
        try:
            run_one(case, lower, preset, extent)
            failure = None
        except Failed as error:
            failure = f"{case.summary}\n{error}"
        report.add(label(preset, case.name), time.monotonic() - started, failure)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(timed, chosen))
