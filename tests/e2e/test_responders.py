"""Acts on real processes by a real run: intended targets are reached, others are not, and lasting acts are undone.
MOZU_RESPONSES=1000 makes the mixed run as long as it was measured (docs/operate/responders.md).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.requirements import ROOT, ebpf
from tests.support.responding import LEADERLESS, OPENS, configured, in_folder, let_go, mozu, opener
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

ALTOGETHER: Final = int(os.environ.get("MOZU_RESPONSES", "40"))
FREEZERS: Final = (Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup"))
NAMES: Final = ("kill", "stop", "freeze", "run", "dry")


def configuration(folder: Path) -> Path:
    acting = {"dry_run": False, "per_minute": 100_000}
    responders = [
        {"kill": acting},
        {"stop": acting},
        {"freeze": {**acting, "what": "cgroup"}},
        {"run": {**acting, "command": ["/usr/bin/tee", str(folder / "seen")]}},
        {"kill": {"id": "dry"}},
    ]
    budget = {"per_minute": 100_000, "per_account": 100_000}
    return configured(folder, in_folder(folder, NAMES), responders, respond=budget)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("responding")


@pytest.fixture(scope="module")
def acting(folder: Path) -> Iterator[Running]:
    ebpf()
    with mozu_run(folder, "-c", str(configuration(folder))) as running:
        yield running
        running.stop()


def response(acting: Running, rule: str, process: "subprocess.Popen[str]", after: int) -> dict[str, Any]:
    """Return the first notice of this rule that names the process."""
    found: dict[str, Any] = acting.wait_alert(
        lambda one: one["rule"] == rule and f" {process.pid} " in one["output"], f"{rule} {process.pid}", after=after
    )
    return found


@pytest.mark.parametrize("code", [OPENS, LEADERLESS], ids=["first thread", "first thread has ended"])
def test_a_process_is_killed_and_the_notice_says_how_soon(acting: Running, folder: Path, code: str) -> None:
    before = len(acting.alerts)
    with opener(folder / "kill", code=code) as process:
        let_go(process)
        assert process.wait(60) == -9
    found = response(acting, "Response taken", process, before)
    first = acting.wait_alert(lambda one: one["rule"] == "kill", "the alert", after=before)
    assert found["output_fields"]["alert"] == first["uuid"]
    assert "(user, " in found["output"]


def test_what_is_stopped_is_listed_and_goes_on_when_that_is_undone(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    with opener(folder / "stop") as process:
        let_go(process)
        response(acting, "Response taken", process, before)
        stat = Path(f"/proc/{process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            pass
        listed = mozu("responders", "list", "-c", str(folder / "mozu.yaml"))
        (line,) = (one for one in listed.splitlines() if f"process {process.pid} " in one)
        mozu("responders", "undo", line.split()[1], "-c", str(folder / "mozu.yaml"))
        response(acting, "Response undone", process, before)
        process.communicate("", timeout=60)
    assert process.returncode == 0


def test_a_cgroup_is_frozen_and_thawed(acting: Running, folder: Path) -> None:
    place = next(one for one in FREEZERS if one.is_dir()) / f"mozu-test-{os.getpid()}"
    place.mkdir()
    before = len(acting.alerts)
    try:
        with opener(folder / "freeze") as process:
            (place / "cgroup.procs").write_text(str(process.pid))
            let_go(process)
            taken = response(acting, "Response taken", process, before)
            state = place / ("freezer.state" if (place / "freezer.state").exists() else "cgroup.freeze")
            assert state.read_text().strip() in ("FROZEN", "FREEZING", "1")
            act = f"{taken['output_fields']['alert']}/freeze"
            mozu("responders", "undo", act, "-c", str(folder / "mozu.yaml"))
            assert state.read_text().strip() in ("THAWED", "0")
            process.communicate("", timeout=60)
    finally:
        place.rmdir()


def test_a_program_reads_the_alert(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    with opener(folder / "run") as process:
        let_go(process)
        acting.wait_alert(lambda one: one["output_fields"].get("responder") == "run", "the program", after=before)
        process.communicate("", timeout=60)
    assert json.loads((folder / "seen").read_text())["process"]["pid"] == process.pid


def test_a_dry_run_says_what_it_would_do(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    with opener(folder / "dry") as process:
        let_go(process)
        found = response(acting, "Response would be taken", process, before)
        process.communicate("", timeout=60)
    assert found["output"].endswith(f"would kill process {process.pid} ({Path(sys.executable).name[:15]})")
    assert process.returncode == 0


def test_no_harmless_process_is_touched_though_it_has_the_number_of_one_that_is_meant(
    acting: Running, folder: Path
) -> None:
    before = len(acting.alerts)
    command = [sys.executable, "-m", "tests.support.reused_pids", str(folder / "kill"), str(ALTOGETHER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        acting.wait_alert(lambda one: settled(acting, before), "an end of every response", after=before)
        output, _ = process.communicate("", timeout=60)
    assert json.loads(output) == {"malicious": ALTOGETHER - ALTOGETHER // 2, "harmless": 0}


def settled(acting: Running, before: int) -> bool:
    """Return True if every malicious process that stayed has been acted on, and every one that ended has raised its
    alert.
    """
    rules = [one["rule"] for one in acting.alerts[before:]]
    return rules.count("kill") == ALTOGETHER and rules.count("Response taken") == ALTOGETHER - ALTOGETHER // 2


def test_a_run_that_was_killed_in_the_middle_of_an_act_is_followed_by_one_that_says_so(tmp_path: Path) -> None:
    ebpf()
    path = configuration(tmp_path)
    entries = json.loads(path.read_text())
    act = {"dry_run": False, "command": ["/bin/sh", "-c", f"echo > {tmp_path}/begun; exec sleep 20"], "timeout": 25}
    entries["responders"] = [{"run": act}]
    path.write_text(json.dumps(entries))
    with mozu_run(tmp_path, "-c", str(path)) as first, opener(tmp_path / "run") as process:
        let_go(process)
        first.wait_alert(lambda one: one["rule"] == "run", "the alert")
        while not (tmp_path / "begun").exists():
            pass
        first.process.kill()
        first.process.wait()
        process.communicate("", timeout=60)
    with mozu_run(tmp_path, "-c", str(path)) as second:
        found = second.wait_alert(lambda one: one["rule"] == "Response broken off", "the act that has no end")
        second.stop()
    assert found["output_fields"]["for_rule"] == "run"
    stages = [json.loads(line)["stage"] for line in (tmp_path / "state/responses/audit.jsonl").read_text().splitlines()]
    assert stages == ["planned", "broken off"]
