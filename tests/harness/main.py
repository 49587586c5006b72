"""tests/run, once the packages are there: builds, then runs what was asked for."""

import argparse

import building
import cases
import long_tests
from cases import Extent
from host import OUT, TESTS, Failed, as_root, quiet
from report import Report


def house_checks():
    return sorted(path.stem for path in (TESTS / "house").glob("check_*.py"))


def run_house(names, report):
    report.section(f"{len(names)} checks of the house itself")
    for name in names:
        report.run(name, lambda name=name: quiet(
            ["/usr/bin/python3", "-B", TESTS / "house" / f"{name}.py"],
            OUT / "house" / f"{name}.log"))


def run_models(extent, report):
    report.section("models of the handover")
    bounds = ["--long"] if extent is Extent.LONG else []
    report.run("models", lambda: quiet(as_root(TESTS / "models/run", *bounds), OUT / "models.log"))


def list_all(report):
    building.configure("ci")
    for title, names in (("unit tests", building.unit_test_names("ci")),
                         ("checks", house_checks()),
                         ("cases", [f"{case.name:30}{case.summary}" for case in cases.find()]),
                         ("models", ["models"]),
                         ("long tests", [name for name, _ in long_tests.ALL])):
        report.section(title)
        print("\n".join(names))


def run_named(names, extent, report):
    unit = [name for name in building.unit_test_names("ci") if name in names]
    house = [name for name in house_checks() if name in names]
    chosen = [case for case in cases.find() if case.name in names]
    longer = [(name, test) for name, test in long_tests.ALL if name in names]
    known = {"models", *unit, *house, *(case.name for case in chosen), *(name for name, _ in longer)}
    for name in names:
        if name not in known:
            report.add(name, 0, "there is no test of that name; tests/run --list shows all")
    if unit:
        building.unit_tests("ci", report, unit)
    if house:
        run_house(house, report)
    if chosen:
        cases.run(chosen, "ci", report, extent)
    if "models" in names:
        run_models(extent, report)
    if longer:
        long_tests.run(longer, report)


def run_all(extent, report):
    building.unit_tests("ci", report)
    run_house(house_checks(), report)
    cases.run(cases.find(), "ci", report, extent)
    run_models(extent, report)
    if extent is Extent.LONG:
        long_tests.run(long_tests.ALL, report)


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds Holdfast and tests it.")
    parser.add_argument("--long", action="store_true", help="the long tests as well")
    parser.add_argument("--list", action="store_true", help="show what there is")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    extent = Extent.LONG if arguments.long else Extent.SHORT
    report = Report()
    if arguments.list:
        list_all(report)
        return
    report.section("building (preset ci)")
    try:
        building.build("ci")
    except Failed as failure:
        report.add("build", 0, str(failure))
        report.close()
    if arguments.names:
        run_named(arguments.names, extent, report)
    else:
        run_all(extent, report)
    report.close()


if __name__ == "__main__":
    main()
