"""What makes monitors stumble, through the state and the fields, for each live source."""

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.event import SyscallEvent
from mozu.core.fields import FieldRegistry
from mozu.core.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ptrace.source import PtraceSource
from tests.support import edges, requirements
from tests.support.actor import ROOT
from tests.support.edges.shown import Shown, missing
from tests.support.live import Act, Live, context, demand

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

FACETS = ("tree", "cwd", "ids", "fds", "session", "realpath")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Shown]]:
    """What each family says that it does, unwatched."""
    requirements.ebpf()
    found = {}
    for family in edges.FAMILIES:
        place = tmp_path_factory.mktemp(family)
        subprocess.run(_line(family, place), cwd=ROOT, check=True, timeout=60)
        found[family] = pickle.loads((place / "shown").read_bytes())
    return found


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    """A source whose demand each test sets."""
    requirements.ebpf()
    with Live(EbpfSource(64 << 20, context()), demand()) as running:
        yield running


@pytest.fixture
def fields() -> FieldRegistry:
    """Everything that a rule may name."""
    return FieldRegistry(builtin_fields())


def _line(family: str, place: Path) -> list[str]:
    return [sys.executable, "-m", "tests.support.edges", family, str(place), str(place / "shown")]


def _types(wanted: list[Shown]) -> set[str]:
    return {one.type for one in wanted}


@pytest.mark.parametrize("family", edges.FAMILIES)
def test_the_kernels_programs_show_it(
    live: Live, expected: dict[str, list[Shown]], fields: FieldRegistry, tmp_path: Path, family: str
) -> None:
    live.update(demand(*_types(expected[family]), facets=FACETS))

    def once(number: int) -> Act:
        place = tmp_path / f"{number}"
        place.mkdir()
        state = StateMachine()
        state.seed()
        act = live.act(edges.run, family, str(place))
        state.apply(live.seen())
        return act

    act = live.whole(once)
    assert "" == "\n".join(missing(act.value, act.events, fields, traced=False))


async def _traced(line: list[str], types: set[str]) -> list[SyscallEvent]:
    source = PtraceSource(line, None, job_control=False, context=context("ptrace"))
    await source.start(demand(*types, facets=FACETS))
    return [event async for batch in source.batches() for event in batch]


@pytest.mark.parametrize("family", edges.FAMILIES)
def test_tracing_shows_it(
    expected: dict[str, list[Shown]], fields: FieldRegistry, tmp_path: Path, family: str
) -> None:
    state = StateMachine()
    state.seed()
    events = state.apply(asyncio.run(_traced(_line(family, tmp_path), _types(expected[family]))))

    wanted = pickle.loads((tmp_path / "shown").read_bytes())
    assert "" == "\n".join(missing(wanted, events, fields, traced=True))


def test_there_are_sixty_of_them(expected: dict[str, list[Shown]]) -> None:
    assert len({one.edge for family in expected.values() for one in family}) >= 60
