"""Acts while the wall clock of mozu is set, forwards and back: each process keeps its identity."""

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.build import compiled
from tests.support.requirements import ebpf
from tests.support.responding import configured, in_folder, let_go, opener
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

USER = 48_400
STEPS = (3, -3, 86_400)
"""Steps in seconds from the clock of the machine; each is set once."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Yield a directory that other users may search."""
    with tempfile.TemporaryDirectory(prefix="mozu-clock-", dir="/tmp") as place:
        yield Path(place)


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    ebpf()
    (folder / "clock").write_bytes(struct.pack("l", 0))
    responders = [{"kill": {"dry_run": False, "per_minute": 100}}]
    path = configured(
        folder, in_folder(folder, ("kill",)), responders, enrichers=[], respond={"per_account": 100, "per_minute": 100}
    )
    environment = {"LD_PRELOAD": str(compiled("clock", "-shared", "-fPIC")), "CLOCK_FILE": str(folder / "clock")}
    with mozu_run(folder, "-c", str(path), env=environment) as found:
        yield found
        found.stop()


@pytest.mark.parametrize("seconds", STEPS)
def test_processes_from_before_and_after_a_step_of_the_clock_are_killed(
    running: Running, folder: Path, seconds: int
) -> None:
    with opener(folder / "kill", USER) as before:
        with (folder / "clock").open("r+b") as clock:
            clock.write(struct.pack("l", seconds))
        let_go(before)  # at once, when no part of mozu has noticed the step
        assert -9 == before.wait(60)
    running.wait_alert(lambda one: one["rule"] == "Response taken" and f" {before.pid} " in one["output"], "the act")
    with opener(folder / "kill", USER) as after:
        let_go(after)
        assert -9 == after.wait(60)
