"""Builds: one folder a preset, its unit tests, its package."""

import os
import xml.etree.ElementTree as xml

from host import OUT, TESTS, TOP, Failed, as_root, loud, output, quiet


def folder(preset):
    return TOP / "build" / preset


def configure(preset):
    quiet(["cmake", "-S", TOP, "--preset", preset], OUT / f"configure-{preset}.log")


def build(preset):
    configure(preset)
    loud(["cmake", "--build", folder(preset)])


def package(preset):
    """The Debian package of a build; sanitizer reports need its debug information."""
    debug = ["--debug"] if preset.startswith("asan") else []
    return output([TOP / "rc/package", *debug, folder(preset), folder(preset) / "package"])


def unit_test_names(preset):
    listing = output(["ctest", "--test-dir", folder(preset), "--show-only"])
    return [line.split(": ", 1)[1].strip() for line in listing.splitlines() if "  Test " in line]


def unit_tests(preset, report, only=None):
    """Run the unit tests apart and as root: confinement has to be real where it is tested."""
    report.section(f"unit tests ({preset})")
    results = OUT / f"unit-{preset}.xml"
    OUT.mkdir(parents=True, exist_ok=True)
    select = ["-R", "^(" + "|".join(only) + ")$"] if only else []
    try:
        quiet(as_root(TESTS / "harness/apart", "ctest", "--test-dir", folder(preset),
                      "--output-on-failure", "--test-output-size-failed", "10000000", "-j", str(os.cpu_count()), "--timeout", "300",
                      "--output-junit", results, *select),
              OUT / f"unit-{preset}.log")
    except Failed as failure:
        if not results.exists():
            report.add(f"unit tests of {preset}", 0, str(failure))
            return
    finally:
        give_back(folder(preset) / "Testing")
    for case in xml.parse(results).iter("testcase"):
        failure = None
        if case.get("status") != "run":
            failure = excerpt(case.findtext("system-out") or "") or case.get("status")
        report.add(label(preset, case.get("name")), float(case.get("time")), failure)
    os.unlink(results)


def excerpt(output):
    """What a program of tests said around the checks that failed, or at its end."""
    lines = output.splitlines()
    failed = [number for number, line in enumerate(lines) if line.endswith(": FAILED:")][:3]
    shown = [line for at in failed for line in lines[max(0, at - 20):at + 12]]
    return "\n".join(shown or lines[-60:])


def label(preset, name):
    return name if preset == "ci" else f"{name} ({preset})"


def give_back(path):
    """What root wrote below the build folder belongs to the person again."""
    if os.geteuid() != 0 and path.exists():
        output(as_root("chown", "-R", f"{os.getuid()}:{os.getgid()}", path, OUT))
