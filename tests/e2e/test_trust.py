"""Every condition that spares a process from an act, tried by attackers: an ordinary user in every way of
tests/trust, root of a container, and root itself. A real run, with kills by the kernel and by mozu."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.requirements import ebpf
from tests.support.running import Running, mozu_run
from tests.trust.__main__ import TRAPS, configuration
from tests.trust.attempts import Outcome, attempt
from tests.trust.attempts_inside import disarm
from tests.trust.container_root import maps_of
from tests.trust.ways import SPARED, TOO_SOON, Tools, Way, built, ways

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

ROOT: Final = 0
BESIDE: Final = ("a thread that reads beside", "a process with the same descriptors that reads", TOO_SOON)
"""Attackers that may read before the signal arrives: docs/operate/responders.md."""
ELSEWHERE: Final = (
    "a mount of the trap elsewhere", "a mount of the trap that is nowhere", "chroot to the trap's directory",
    "pivot_root to the trap's directory", "a hard link to the trap",
)  # fmt: skip
"""Other paths of the trap."""
DAEMON: Final = next(path for path in SPARED if os.access(path, os.X_OK))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mozu-trust-", dir="/tmp") as place:
        yield Path(place)


@pytest.fixture(scope="module")
def tools(folder: Path) -> Tools:
    return built(folder)


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    ebpf()
    with mozu_run(folder, "-c", str(configuration(folder))) as found:
        yield found
        found.stop()


def test_no_way_of_an_ordinary_user_is_spared_by_the_kernel_or_reads(
    running: Running, folder: Path, tools: Tools
) -> None:
    outcomes = {way.name: attempt(way, folder / "kernel") for way in ways(tools)}
    possible = {name: one for name, one in outcomes.items() if one.is_possible}
    assert {f"LD_PRELOAD, {DAEMON}", "the inode of a spared file, forged", "ptrace", *ELSEWHERE} <= possible.keys()
    assert [] == [name for name, one in possible.items() if not one.was_killed]
    assert [] == [name for name, one in possible.items() if one.has_read and name not in BESIDE]


def test_no_way_of_an_ordinary_user_is_spared_by_mozu(running: Running, folder: Path, tools: Tools) -> None:
    begun = ("LD_", "ptrace", "an orphan", "a time", "execution", "a mount", "chroot", "pivot", "a hard link to the")
    tried = [way for way in ways(tools) if way.name.startswith(begun)]
    outcomes = {way.name: attempt(way, folder / "user") for way in tried}
    assert [] == [name for name, one in outcomes.items() if not (one.is_possible and one.was_killed)]


def test_maps_that_another_process_has_changed_are_as_before_within_a_second(
    running: Running, folder: Path, tools: Tools
) -> None:
    before = len(running.alerts)
    for one in maps_of(running):
        disarm(one)
    running.wait_alert(
        lambda one: one["rule"] == "Gap" and "the map KILLS" in one["output"], "the notice", after=before
    )
    outcome = attempt(Way("nothing", [tools.trust, "plain"]), folder / "kernel")
    assert Outcome(is_possible=True, has_read=False, was_killed=True) == outcome


def loaded(library: Path | str) -> list[str]:
    return ["/usr/bin/env", f"LD_PRELOAD={library}", DAEMON, "--session"]


@pytest.mark.parametrize("trap", TRAPS)
def test_what_root_itself_runs_is_spared(running: Running, folder: Path, tools: Tools, trap: str) -> None:
    assert Outcome(True, True, False) == attempt(Way("root", loaded(tools.library)), folder / trap, ROOT)
    running.wait_alert(lambda one: "which is protected" in one["output"], "the refusal")


@pytest.mark.parametrize("trap", TRAPS)
def test_what_root_runs_with_code_that_a_user_may_write_is_not(
    running: Running, folder: Path, tools: Tools, trap: str
) -> None:
    theirs = folder / "theirs.so"
    theirs.write_bytes(Path(tools.library).read_bytes())
    os.chown(theirs, 65534, 65534)
    outcome = attempt(Way("root", loaded(theirs)), folder / trap, ROOT)
    assert (True, True) == (outcome.is_possible, outcome.was_killed)


NAMESPACES: Final = {"pid": ["unshare", "--pid", "--fork"], "user": ["unshare", "--user", "--map-root-user"]}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_root_in_namespaces_of_a_container_is_not_spared(
    running: Running, folder: Path, tools: Tools, namespace: str
) -> None:
    way = Way(namespace, [*NAMESPACES[namespace], *loaded(tools.library)])
    outcome = attempt(way, folder / "kernel", ROOT)
    assert Outcome(is_possible=True, has_read=False, was_killed=True) == outcome


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """Return the cgroup of a docker container, in whichever hierarchy exists."""
    hierarchies = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
    parent = next(one for one in hierarchies if (one / "cgroup.procs").exists()) / "docker"
    was_there = parent.exists()
    place = parent / (uuid.uuid4().hex * 2)
    place.mkdir(parents=True)
    yield place
    place.rmdir()
    if not was_there:
        parent.rmdir()


def test_root_in_a_container_with_the_namespaces_of_the_host_is_not_spared(
    running: Running, folder: Path, tools: Tools, cgroup: Path
) -> None:
    enter = f'echo $$ > {cgroup}/cgroup.procs; exec "$@"'
    outcome = attempt(Way("cgroup", ["sh", "-c", enter, "sh", *loaded(tools.library)]), folder / "user", ROOT)
    assert (True, True) == (outcome.is_possible, outcome.was_killed)
