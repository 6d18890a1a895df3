"""Mozu at its default settings beside ordinary work, and what it said of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec

from tests.detect.work import Work
from tests.support.requirements import ROOT
from tests.support.running import Json, Running

LOUD: Final = frozenset({"Emergency", "Alert", "Critical", "Error", "Warning"})
_LOGIN: Final = 424242
"""Login uid of the work: what it starts inherits it, services too, so that its alerts are known from others'."""
_ENVIRONMENT: Final = ("PATH", "LANG", "VIRTUAL_ENV")


class WorkAlerts(msgspec.Struct):
    """What one piece of work raised."""

    work: str
    code: int
    """How its script ended; -1 where programs are missing."""
    alerts: list[Json]

    @property
    def loud(self) -> list[Json]:
        """Those at WARNING and above."""
        return [alert for alert in self.alerts if alert["priority"] in LOUD]


def missing(work: Work) -> list[str]:
    """Programs that it needs and that are not here."""
    return [name for name in work.programs if shutil.which(name, path=_path()) is None]


def do(work: Work, mozu: Running, number: int) -> WorkAlerts:
    """One piece of work from its beginning to the last of its alerts."""
    if missing(work):
        return WorkAlerts(work.name, -1, [])
    before = len(mozu.alerts)
    folder, logs = (Path(mkdtemp(prefix="mozu-work-", dir=place)) for place in ("/var/tmp", "/var/log"))
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= {"PATH": _path(), "WORK": str(folder), "LOGS": str(logs), "PYTHON": sys.executable, "HOME": "/root"}
    environment |= {"PARTS": str(Path(__file__).parent / "parts"), "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    engine = [sys.executable, "-m", "tests.detect.engine", work.engine] if work.engine else []
    try:
        with (folder / "said").open("wb") as said:
            code = subprocess.run(
                [*engine, "sh", "-euc", work.script],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False,
                preexec_fn=_log_in,
            ).returncode  # fmt: skip
        end = _mark(mozu, number, before)
        found = [alert for alert in mozu.alerts[before:end] if _is_ours(alert)]
        if code:
            print((folder / "said").read_text(errors="replace")[-2000:], file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(logs, ignore_errors=True)
    return WorkAlerts(work.name, code, found)


def table(results: Iterable[WorkAlerts]) -> dict[str, int]:
    """Rule → number of its alerts."""
    counts: dict[str, int] = {}
    for result in results:
        for alert in result.alerts:
            counts[alert["rule"]] = counts.get(alert["rule"], 0) + 1
    return counts


def told(result: WorkAlerts, say: Callable[[str], None]) -> None:
    """Its line, and one for each alert."""
    ended = "programs are missing" if result.code < 0 else f"exit code {result.code}"
    say(f"{result.work}: {ended}, {len(result.loud)} loud of {len(result.alerts)} alerts")
    for alert in result.alerts:
        say(f"    {alert['output'][:400]}")


def _path() -> str:
    databases = [str(place) for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]  # where Debian puts initdb
    return ":".join([os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin", *databases])


def _log_in() -> None:
    Path("/proc/self/loginuid").write_text(str(_LOGIN))


def _is_ours(alert: Json) -> bool:
    return alert["output_fields"].get("user.loginuid") in (_LOGIN, 0)  # cron begins a session of root


def _mark(mozu: Running, number: int, before: int) -> int:
    """An act that raises an alert, after which all of the work has been judged; where its alert stands."""
    mark = f"mozu-work-ends-{number}"
    subprocess.run(["sh", "-c", f"for n in 1 2 3; do cat /etc/shadow > /dev/null; done; : {mark}"], check=True)
    end = mozu.wait_alert(lambda alert: mark in (alert["output_fields"].get("proc.pcmdline") or ""), mark, after=before)
    return mozu.alerts.index(end, before)
