"""Kills in the kernel: who opens a marked file gets nothing of it, by every entry path; what is to be left alone is.

MOZU_KERNEL_KILLS=10000 makes the victims try as often as it was measured (docs/responders.md).
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from mozu.plugins.sources.ebpf import codegen, compat_probe, uring
from tests.e2e.test_entry_paths import ENTRY_PATHS, FLAGS
from tests.e2e.test_responders import mozu
from tests.support.build import compiled
from tests.support.requirements import ebpf, require
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(900)]

TRIES: Final = int(os.environ.get("MOZU_KERNEL_KILLS", "25"))
BUDGET: Final = 3
WAYS: Final = ("native", "32-bit program", "int 0x80 of a 64-bit program", "io_uring")


def configuration(folder: Path) -> Path:
    opens = "evt.type in (open, openat, openat2, creat) and fd.realpath ="
    rules = [
        {
            "rule": name, "desc": name, "condition": f"{opens} {folder}/{name}", "output": "%proc.pid",
            "priority": "WARNING",
        }
        for name in ("marked", "dry", "budget")
    ]  # fmt: skip
    (folder / "rules.yaml").write_text(json.dumps(rules))
    for name in ("marked", "dry", "budget"):
        (folder / name).write_text("secret")
    (folder / "link").symlink_to("marked")
    shutil.copy(compiled("entry_path", *FLAGS, *ENTRY_PATHS["native"]), folder / "allowed")
    acting = {"where": "kernel", "dry_run": False}
    entries = {
        "state_dir": str(folder / "state"),
        "sources": [{"ebpf": {}}],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
        "respond": {
            "per_minute": 1_000_000, "per_account": 1_000_000, "allow": {"executables": [str(folder / "allowed")]},
        },
        "responders": [
            {"kill": {**acting, "rules": ["marked"], "per_minute": 1_000_000}},
            {"kill": {"id": "dry", "where": "kernel", "rules": ["dry"]}},
            {"kill": {**acting, "id": "budget", "rules": ["budget"], "per_minute": BUDGET}},
        ],
    }  # fmt: skip
    (folder / "mozu.yaml").write_text(json.dumps(entries))
    return folder / "mozu.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killing").resolve()


@pytest.fixture(scope="module")
def acting(folder: Path) -> Iterator[Running]:
    ebpf()
    require(compat_probe.accepted(), "this kernel takes no 32-bit calls")
    reason = uring.why_not(codegen.read_types())
    require(not reason, reason)
    with mozu_run(folder, "-c", str(configuration(folder))) as running:
        yield running
        running.stop()


def opened(path: Path | str, way: str = "native", program: Path | None = None) -> int:
    """What a process ends with that opens this file: 0 where the open came back to it."""
    command = program or compiled("entry_path", *FLAGS, *ENTRY_PATHS[way])
    return subprocess.run([command, "read", path], check=False, timeout=60).returncode


def victims(way: str, path: Path, tries: int = TRIES) -> list[int]:
    """How many: tries, opens that came back, tries in which anyone had a byte, processes that were not killed."""
    command = [str(compiled("victim", "-pthread")), way, str(tries), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return [int(number) for number in done.stdout.split()]


@pytest.mark.parametrize("way", WAYS)
def test_no_open_of_a_marked_file_comes_back(acting: Running, folder: Path, way: str) -> None:
    assert {-signal.SIGKILL} == {opened(folder / "marked", way) for _ in range(TRIES)}


def test_a_victim_has_not_a_byte(acting: Running, folder: Path) -> None:
    assert [TRIES, 0, 0, 0] == victims("native", folder / "marked")


@pytest.mark.parametrize("way", ["thread", "sibling", "linked"])
def test_what_reads_beside_the_caller_is_killed_all_the_same(acting: Running, folder: Path, way: str) -> None:
    """How often it has a byte by then stands in docs/responders.md."""
    tries, _, _, left = victims(way, folder / "marked", max(3, TRIES // 10))

    assert (tries, 0) == (max(3, TRIES // 10), left)


@pytest.mark.parametrize("text", ["{0}/link", "{0}/../{0.name}/marked", "{0}//marked", "/proc/self/root{0}/marked"])
def test_whatever_text_leads_to_the_file(acting: Running, folder: Path, text: str) -> None:
    assert -signal.SIGKILL == opened(text.format(folder))


def test_the_alert_says_that_the_kernel_has_done_it(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    opened(folder / "marked")
    found = acting.wait_alert(lambda one: one["rule"] == "Response taken", "the notice", after=before)
    first = acting.wait_alert(lambda one: one["rule"] == "marked", "the alert", after=before)

    assert found["output_fields"]["alert"] == first["uuid"]
    assert found["output_fields"]["response"].endswith("(entry_path) (kernel)")


def test_a_dry_run_says_what_the_kernel_would_have_done(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    assert opened(folder / "dry") == 0
    found = acting.wait_alert(lambda one: one["rule"] == "Response would be taken", "the notice", after=before)

    assert found["output_fields"]["response"].endswith("(kernel)")


def test_an_executable_that_is_allowed_is_left_alone(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    assert opened(folder / "marked", program=folder / "allowed") == 0
    acting.wait_alert(lambda one: one["rule"] == "Response refused", "the refusal", after=before)


def test_a_rule_gone_wild_stops(acting: Running, folder: Path) -> None:
    """The kernel's minute may end in between, once."""
    ended = [opened(folder / "budget") for _ in range(3 * BUDGET)]

    assert BUDGET <= ended.count(-signal.SIGKILL) <= 2 * BUDGET
    assert ended.count(0) >= BUDGET


def test_the_kill_switch_reaches_the_kernel(acting: Running, folder: Path) -> None:
    configured = ("-c", str(folder / "mozu.yaml"))
    for verb, ended in (("off", 0), ("on", -signal.SIGKILL)):
        before = len(acting.alerts)
        mozu("responders", verb, *configured)
        acting.wait_alert(lambda one: one["rule"] == "Responses switched", verb, after=before)
        assert opened(folder / "marked") == ended


def test_it_ends_with_mozu(folder: Path, acting: Running) -> None:
    acting.stop()

    assert opened(folder / "marked") == 0
