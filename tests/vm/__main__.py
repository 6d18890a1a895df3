"""python -m tests.vm [--only bookworm|trixie|old|arm64] [--steps STEP,…] (as root): the package in machines of Debian.

Debian 12 and 13: the previous commit's package is installed by apt, raises an alert in the journal, does so again after
a reboot, has kernel filters at every level, sees acts on the kernel, is upgraded while alerts wait, which names
the family of rules that it brings, sees an act of every family by every way, kills a process, denies calls, accounts
for loss, is restarted by the watchdog, leaves kills and denials to the kernel when it is killed, is removed and purged;
at last the .rpm is installed, raises its alert and is removed.
`--steps`: these steps alone (guest.py has their names), in a machine that has the package installed already. `old`:
Debian 12 with the kernel of Debian 11, which is older than the oldest that mozu takes. `arm64`: one act of every family
by every way under each source (arm64.py). Trees are kept in build/vm. Prints the results of each step as lines of JSON;
ends with 1 if a step failed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from distribution import deb, rpm, wheels
from distribution.release import release_of
from mozu.core.model.arch import X86_64
from tests.support.requirements import ROOT
from tests.vm import arm64, machine, tree

PLAN: Final = (
    "install previous,alert",
    "alert,filters,kernel acts,upgrade,configure,acts,respond,denials,loss,watchdog,unattended,remove,purge,"
    "install rpm,alert,remove rpm",
)
"""Plan of the steps, with a line for each boot."""
SECONDS: Final = 3600.0
_KEPT: Final = ROOT / "build/vm"


def packages(names: Sequence[str], folder: Path) -> dict[str, Path]:
    """Build these packages from the commit that is checked out; previous.deb from the commit before it."""
    kept = wheels.fetched(ROOT / "build/wheels", X86_64.name)
    found: dict[str, Path] = {}
    for name in names:
        release = release_of(ROOT, "HEAD~1" if name == "previous.deb" else "HEAD")
        found[name] = (rpm if name == "new.rpm" else deb).build(ROOT, release, kept, folder, X86_64.name)
    return found


def whole(suite: str, folder: Path) -> bool:
    """Take every step in a machine of this suite; return True if all went well."""
    place = _kept(suite)
    tree.prepare(place, packages(("previous.deb", "new.deb", "new.rpm"), folder), PLAN)
    return _run(suite, place, folder, [step for line in PLAN for step in line.split(",")])


def some(suite: str, steps: str, folder: Path) -> bool:
    """Take these steps in a machine of this suite that has the package installed before the first boot; return True if
    all went well.
    """
    installed = "previous.deb" if "upgrade" in steps else "new.deb"
    wanted = {installed, *(("new.deb",) if "upgrade" in steps else ()), *(("new.rpm",) if "rpm" in steps else ())}
    place = folder / suite
    subprocess.run(["cp", "--archive", _kept(suite), place], check=True)
    tree.prepare(place, packages(sorted(wanted), folder), [steps], installed)
    return _run(suite, place, folder, steps.split(","))


def old(folder: Path) -> bool:
    """Boot a machine with a kernel below the floor; return True if all went well."""
    place = folder / "old"
    subprocess.run(["cp", "--archive", _kept("bookworm"), place], check=True)
    tree.prepare(place, packages(("new.deb",), folder), ["refused"], "new.deb")
    tree.install_kernel("bullseye", place)
    return _run("old", place, folder, ["refused"])


def _kept(suite: str) -> Path:
    place = _KEPT / suite
    if not place.exists():
        unfinished = place.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        tree.make(suite, unfinished)
        unfinished.rename(place)
    return place


def _run(name: str, place: Path, folder: Path, steps: list[str]) -> bool:
    disk = folder / f"{name}.img"
    machine.image(place, disk)
    kernel = tree.kernel(place)[0].name.removeprefix("vmlinuz-")
    done = _reported({"machine": name, "kernel": kernel}, machine.boot(place, disk, SECONDS))
    disk.unlink()
    return done == steps


def _reported(of: dict[str, str], reports: Iterable[dict[str, Any]]) -> list[str]:
    """Print the reports; return the steps that went well."""
    done: list[str] = []
    for report in reports:
        print(json.dumps({**of, **_shown(report)}), flush=True)
        if "failed" not in report:
            done.append(report["step"])
    return done


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    if journal := report.pop("journal", ""):
        print(journal, file=sys.stderr)
    return report


def main() -> None:
    """Parse the arguments and run the machines."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm")
    parser.add_argument("--only", choices=("bookworm", "trixie", "old", "arm64"), help="this machine and no other")
    parser.add_argument("--steps", help="these alone, separated by commas; with --only bookworm or trixie")
    given = parser.parse_args()
    only, steps = given.only, given.steps
    if steps and only not in ("bookworm", "trixie"):
        parser.error("--steps needs --only bookworm or --only trixie: the machine that they are done in")
    with tempfile.TemporaryDirectory(prefix="mozu-vm-", dir="/var/tmp") as name:
        folder = Path(name)
        if steps:
            sys.exit(0 if some(only, steps, folder) else 1)
        good = [whole(suite, folder) for suite in ("bookworm", "trixie") if only in (None, suite)]
        if only in (None, "old"):
            good.append(old(folder))
        if only in (None, "arm64"):
            good.append(_reported({"machine": "arm64"}, arm64.reports(folder, SECONDS)) == list(arm64.STEPS))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
