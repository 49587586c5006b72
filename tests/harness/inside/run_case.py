"""Process in the private root that runs one case: run_case.py NAME"""

import importlib.util
import pathlib
import sys
import threading
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from box import Box  # noqa: E402 (the path has to be known first)
from systemd_box import SystemdBox  # noqa: E402


def main():
    folder = HERE.parents[1] / "cases" / sys.argv[1]
    specification = importlib.util.spec_from_file_location("case", folder / "case.py")
    case = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(case)
    kind = SystemdBox if getattr(case, "INIT", "") == "systemd" else Box
    box = kind(folder, pathlib.Path("/out"))
    lost = []  # what ended a thread that nobody asks how it went

    def thread_ended(how):
        lost.append(how.exc_value)
        threading.__excepthook__(how)

    threading.excepthook = thread_ended
    try:
        case.run(box)
        box.finish()
        if lost:
            raise lost[0]
    except Exception:
        traceback.print_exc()
        box.dump()
        sys.exit(1)


if __name__ == "__main__":
    main()
