"""What tests/run --long adds: sanitizers, fuzzers, mutations, a bare machine."""

import concurrent.futures
import os
import subprocess

import building
import cases
from host import OUT, TESTS, TOP, Failed, as_root, install_packages, loud, quiet

FUZZ_SECONDS = 60


def sanitized(preset):
    """All tests again, with AddressSanitizer and UndefinedBehaviorSanitizer."""
    def run(report):
        try:
            building.build(preset)
        except Failed as failure:
            report.add(f"build ({preset})", 0, str(failure))
            return
        building.unit_tests(preset, report)
        cases.run(cases.find(), preset, report)
    return run


def fuzz(report):
    """Each fuzzer for a minute, from its seeds; what it learns stays in the build folder."""
    try:
        building.build("fuzz")
    except Failed as failure:
        report.add("build (fuzz)", 0, str(failure))
        return
    folder = building.folder("fuzz") / "tests"
    for program in sorted(path for path in folder.rglob("*_fuzz")
                          if path.is_file() and os.access(path, os.X_OK)):
        learned = folder / "learned" / program.name
        learned.mkdir(parents=True, exist_ok=True)
        seeds = TESTS / "fuzz/corpus" / program.name
        report.run(f"{program.name} for {FUZZ_SECONDS} s", lambda program=program: quiet(
            [program, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
             f"-artifact_prefix={OUT}/", learned, *([seeds] if seeds.is_dir() else [])],
            OUT / f"{program.name}.log"))


def format_and_tidy(report):
    """clang-format over all sources; clang-tidy over those that are not tests."""
    sources = [path for folder in ("smtpd", "queue", "ctl", "tests")
               for path in (TOP / folder).rglob("*") if path.suffix in (".h", ".cpp")]
    report.run("clang-format", lambda: quiet(
        ["clang-format-19", "--dry-run", "-Werror", *sources], OUT / "clang-format.log"))
    checked = [path for path in sources if path.suffix == ".cpp" and "tests" not in path.parts]
    report.run("clang-tidy", lambda: tidy(checked))


def tidy(checked):
    """Needs no build: the commands that configuring writes down, and the headers that it makes."""
    building.configure("asan-clang")
    command = ["clang-tidy-19", "--quiet", "-p", building.folder("asan-clang")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda path: subprocess.run([*command, path], capture_output=True,
                                                         text=True), checked))
    findings = "".join(one.stdout for one in done if one.returncode != 0)
    if findings:
        raise Failed(findings)


def program(name, *command):
    """A long test that is a program of its own and shows its own progress."""
    def run(report):
        report.run(name, lambda: loud(command))
    return run


ALL = [
    ("format", format_and_tidy),
    ("asan", sanitized("asan")),
    ("asan-clang", sanitized("asan-clang")),
    ("fuzz", fuzz),
    ("mutations", program("mutations", TESTS / "mutations/run")),
    ("bare-root", program("bare-root", *as_root(TESTS / "bare-root"))),
]


def run(chosen, report):
    """Some of ALL, one after another."""
    try:
        install_packages("long")
    except Failed as failure:
        report.add("packages of the long tests", 0, str(failure))
        return
    for name, test in chosen:
        report.section(name)
        test(report)
