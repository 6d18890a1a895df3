"""Edge cases that make monitors stumble, through the state and the fields, for each live source."""

import asyncio
from pathlib import Path

import pytest

from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from tests.support import edges, requirements
from tests.support.edges.shown import Shown, missing
from tests.support.families import line, reported, traced, unwatched
from tests.support.live import Act, Live, demand
from tests.support.split import needs_live

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

STATE_DEPENDENCIES = ("tree", "cwd", "ids", "fds", "session", "realpath")


@pytest.fixture(scope="module")
@needs_live
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Shown]]:
    """Return the acts of each family as reported by itself, unwatched."""
    requirements.ebpf()
    return unwatched("edges", edges.FAMILIES, tmp_path_factory)


@pytest.fixture
def fields() -> FieldRegistry:
    """Return every field that a rule may name."""
    return FieldRegistry(builtin_fields())


def _types(wanted: list[Shown]) -> set[str]:
    return {one.type for one in wanted}


@pytest.mark.parametrize("family", edges.FAMILIES)
def test_the_kernels_programs_show_it(
    undemanded: Live, expected: dict[str, list[Shown]], fields: FieldRegistry, tmp_path: Path, family: str
) -> None:
    undemanded.update(demand(*_types(expected[family]), state_dependencies=STATE_DEPENDENCIES))

    def once(number: int) -> Act:
        place = tmp_path / f"{number}"
        place.mkdir()
        state = StateMachine()
        state.seed()
        act = undemanded.act(edges.run, family, str(place))
        state.apply(undemanded.seen())
        return act

    act = undemanded.whole(once)
    assert "" == "\n".join(missing(act.value, act.events, fields, traced=False))


@pytest.mark.parametrize("family", edges.FAMILIES)
def test_tracing_shows_it(expected: dict[str, list[Shown]], fields: FieldRegistry, tmp_path: Path, family: str) -> None:
    state = StateMachine()
    state.seed()
    events = state.apply(
        asyncio.run(traced(line("edges", family, tmp_path), _types(expected[family]), STATE_DEPENDENCIES))
    )

    wanted = reported(tmp_path)
    assert "" == "\n".join(missing(wanted, events, fields, traced=True))


def test_there_are_sixty_of_them(expected: dict[str, list[Shown]]) -> None:
    assert len({one.edge for family in expected.values() for one in family}) >= 60
