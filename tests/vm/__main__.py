"""python -m tests.vm [--only bookworm|trixie|old] (as root): the package in virtual machines of Debian, whole.

Debian 12 and 13: the previous commit's package is installed by apt, raises an alert in the journal, does so again after
a reboot, is upgraded while alerts wait, sees one act of every family by every way, is restarted by the watchdog,
removed and purged. `old`: Debian 12 with the kernel of Debian 11, which is older than the oldest that mozu takes. Trees
are kept in build/vm. Prints what each step found, as lines of JSON; ends with 1 where one failed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from distribution import deb, wheels
from distribution.release import release_of
from tests.support.requirements import ROOT
from tests.vm import machine, tree

PLAN: Final = ("install previous,alert", "alert,upgrade,acts,watchdog,remove,purge")
"""A line a boot."""
SECONDS: Final = 3600.0
_KEPT: Final = ROOT / "build/vm"


def packages(folder: Path) -> dict[str, Path]:
    """Of the commit that is checked out, and of the one before."""
    kept = wheels.fetched(ROOT / "build/wheels")
    names = {"previous": "HEAD~1", "new": "HEAD"}
    return {name: deb.build(ROOT, release_of(ROOT, revision), kept, folder) for name, revision in names.items()}


def whole(suite: str, files: dict[str, Path], folder: Path) -> bool:
    """Every step in a machine of this suite; whether all went well."""
    place = _kept(suite)
    tree.prepare(place, files, PLAN)
    return _run(suite, place, folder, [step for line in PLAN for step in line.split(",")])


def old(files: dict[str, Path], folder: Path) -> bool:
    """A kernel below the floor."""
    place = folder / "old"
    subprocess.run(["cp", "--archive", _kept("bookworm"), place], check=True)
    tree.prepare(place, {"new": files["new"]}, ["refused"], installed=True)
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
    done: list[str] = []
    for report in machine.boot(place, disk, SECONDS):
        print(json.dumps({"machine": name, "kernel": kernel, **_shown(report)}), flush=True)
        if "failed" not in report:
            done.append(report["step"])
    disk.unlink()
    return done == steps


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    if journal := report.pop("journal", ""):
        print(journal, file=sys.stderr)
    return report


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm")
    parser.add_argument("--only", choices=("bookworm", "trixie", "old"), help="this machine and no other")
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory(prefix="mozu-vm-", dir="/var/tmp") as name:
        folder = Path(name)
        files = packages(folder)
        good = [whole(suite, files, folder) for suite in ("bookworm", "trixie") if only in (None, suite)]
        if only in (None, "old"):
            good.append(old(files, folder))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
