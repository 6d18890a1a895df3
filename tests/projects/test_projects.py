"""Real projects under `mozu trace`: the results are the same as without it, and nothing harmless is called an error.

A small project always runs; the others run with MOZU_PROJECTS=full (`make projects`), where the figures are printed as
well.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.support.projects import Project, from_debian, from_pypi, give_away, own_tests, registry_variables
from tests.support.reports import junit_faults, sarif_faults
from tests.support.tracing import command_line, environment, ordinary, place

SMALL: Final = [from_pypi("markupsafe", "3.0.2")]
REST: Final = [from_pypi("simplejson", "3.19.3"), from_debian("hello"), own_tests()]
PROJECTS: Final = SMALL + (REST if os.environ.get("MOZU_PROJECTS") == "full" else [])
REPORTS: Final = ("json", "junit", "sarif")


def build(project: Project, root: Path, words: list[str]) -> tuple[int, object, str, float]:
    """Return (exit code, result, stderr, seconds) of a build from fresh sources, always in the same place."""
    tree = root / "tree"
    shutil.rmtree(tree)
    tree.mkdir()
    project.prepare(tree)
    give_away(tree)
    began = time.monotonic()
    more = {**project.variables, "HYPOTHESIS_STORAGE_DIRECTORY": str(root / "home/hypothesis")}
    used = environment(root / "home", {**registry_variables(), **more})
    if project.is_own:
        used = {**os.environ, **more}
    done = subprocess.run(words, cwd=tree, env=used, capture_output=True, text=True, timeout=3000, check=False)
    seconds = time.monotonic() - began
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.returncode, project.result(tree, done.stdout), done.stderr, seconds


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("project", PROJECTS, ids=[project.name for project in PROJECTS])
def test_a_project_comes_out_as_without_mozu_and_has_its_reports(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with place() as root:
        reports = [word for form in REPORTS for word in ("--report", f"{form}:{root}/home/r.{form}")]
        drop, trace = ordinary()[0], command_line()
        if project.is_own:
            drop, trace = [], [sys.executable, "-m", "mozu", "trace"]
        plain = build(project, root, [*drop, *project.command()])
        traced = build(project, root, [*trace, *reports, "--", *project.command()])
        text = {form: (root / "home" / f"r.{form}").read_text() for form in REPORTS}
    alerts = json.loads(text["json"])["alerts"]
    counts = Counter(f"{alert['priority']}: {alert['rule']}" for alert in alerts)
    with capsys.disabled():
        print(f"\n{project.name}: {plain[3]:.1f} s, traced {traced[3]:.1f} s, {len(alerts)} alerts {dict(counts)}")

    assert bool(plain[1])
    assert plain[:2] == traced[:2]
    assert [] == [*sarif_faults(text["sarif"]), *junit_faults(text["junit"])]
    unexpected = {
        alert["output"]
        for alert in alerts
        if alert["priority"] in ("Emergency", "Alert", "Critical", "Error") and alert["rule"] not in project.severe
    }
    assert set() == unexpected
