"""Mozu at its default settings beside ordinary work, and its alerts about the work."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, NamedTuple

import msgspec

from tests.detect.attribution import CGROUP, FIELDS, is_of_work, join, work_cgroup
from tests.detect.work import Work
from tests.support.requirements import ROOT
from tests.support.running import Json, Running, mozu_run

LOUD: Final = frozenset({"Emergency", "Alert", "Critical", "Error", "Warning"})
_LOGIN: Final = 424242
"""Login uid of the work, which its children inherit: a login began the work, and rules ask for its user."""
_MARK: Final = "mozu-work-ends-"
_MARKS: Final = 5
_ENVIRONMENT: Final = ("PATH", "LANG", "VIRTUAL_ENV")


class Ground(NamedTuple):
    """A running mozu, and the cgroup of the work beside it."""

    mozu: Running
    cgroup: Path


@contextmanager
def ground(folder: Path, *arguments: str) -> Iterator[Ground]:
    """Run mozu at its default settings until the block ends."""
    with work_cgroup() as cgroup, mozu_run(folder, *FIELDS, *arguments) as mozu:
        yield Ground(mozu, cgroup)


class WorkAlerts(msgspec.Struct):
    """The alerts that a piece of work raised."""

    work: str
    code: int
    """Exit code of the work's script; -1 if programs are missing."""
    alerts: list[Json]
    others: list[Json]
    """Alerts of the same time that processes outside of the work raised."""

    @property
    def loud(self) -> list[Json]:
        """Return the work's alerts at WARNING and above."""
        return [alert for alert in self.alerts if alert["priority"] in LOUD]


def missing(work: Work) -> list[str]:
    """Return the programs that the work needs and that are not installed."""
    return [name for name in work.programs if shutil.which(name, path=_path()) is None]


def do(work: Work, ground: Ground, number: int) -> WorkAlerts:
    """Run a piece of work, and wait for the last of its alerts."""
    if missing(work):
        return WorkAlerts(work.name, -1, [], [])
    mozu = ground.mozu
    before = len(mozu.alerts)
    folder, logs = (Path(mkdtemp(prefix="mozu-work-", dir=place)) for place in ("/var/tmp", "/var/log"))
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= {"PATH": _path(), "WORK": str(folder), "LOGS": str(logs), "PYTHON": sys.executable, "HOME": "/root"}
    sources = f"{ROOT}:{ROOT / 'src'}"
    environment |= {"PARTS": str(Path(__file__).parent / "parts"), "PYTHONPATH": sources, "SOURCES": sources}
    environment["CGROUP"] = CGROUP
    engine = [sys.executable, "-m", "tests.detect.engine", work.engine] if work.engine else []
    try:
        with (folder / "said").open("wb") as said:
            code = subprocess.run(
                [*engine, "env", "--unset=PYTHONPATH", "sh", "-euc", work.script],  # it would take a script's trust
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False,
                preexec_fn=lambda: _enter(ground.cgroup),
            ).returncode  # fmt: skip
        end = _mark(mozu, number)
        found, others = _parted(mozu.alerts[before:end])
        if code:
            print((folder / "said").read_text(errors="replace")[-2000:], file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(logs, ignore_errors=True)
    return WorkAlerts(work.name, code, found, others)


def table(alerts: Iterable[Json]) -> str:
    """Return a line for each rule, with the number of its alerts."""
    return "\n".join(f"{count:6} {rule}" for rule, count in sorted(Counter(alert["rule"] for alert in alerts).items()))


def reported(result: WorkAlerts, say: Callable[[str], None]) -> None:
    """Print a line for the result, and a line for each alert."""
    ended = "programs are missing" if result.code < 0 else f"exit code {result.code}"
    numbers = f"{len(result.loud)} loud of {len(result.alerts)} alerts, {len(result.others)} of others"
    say(f"{result.work}: {ended}, {numbers}")
    for alert in result.alerts:
        say(f"    {alert['output'][:400]}")


def _path() -> str:
    databases = [str(place) for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]  # Debian's place of initdb
    return ":".join([os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin", *databases])


def _enter(cgroup: Path) -> None:
    join(cgroup)
    Path("/proc/self/loginuid").write_text(str(_LOGIN))


def _parted(alerts: list[Json]) -> tuple[list[Json], list[Json]]:
    """Return the alerts of the work and those of others, without those of marks."""
    parts: tuple[list[Json], list[Json]] = ([], [])
    for alert in alerts:
        if _MARK not in _parent(alert):
            parts[not is_of_work(alert)].append(alert)
    return parts


def _mark(mozu: Running, number: int) -> int:
    """Raise an alert by an act, after which all of the work has been judged; return the position of the alert.

    The act is repeated if no alert comes, since a flood of other events can make mozu lose it. Raises AssertionError
    after _MARKS tries.
    """
    mark = f"{_MARK}{number}"
    after = len(mozu.alerts)
    for _ in range(_MARKS):
        subprocess.run(["sh", "-c", f"for n in 1 2 3; do cat /etc/shadow > /dev/null; done; : {mark}"], check=True)
        with suppress(AssertionError):
            end = mozu.wait_alert(lambda alert: mark in _parent(alert), mark, after=after)
            return mozu.alerts.index(end, after)
    raise AssertionError(f"the act {mark} raised no alert in {_MARKS} times; mozu's log ends with {mozu.log[-5:]}")


def _parent(alert: Json) -> str:
    return alert["output_fields"].get("proc.pcmdline") or ""
