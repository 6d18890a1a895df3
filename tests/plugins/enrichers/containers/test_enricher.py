"""The enricher of container runtimes: when a runtime is read, and the reports on it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mozu.core.api import Context, Obstacle
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.enricher import ContainerEnricher
from mozu.plugins.enrichers.containers.runtime import RuntimeContext
from tests.plugins.enrichers.actors import event_of, read, reported, until, working


class Heron:
    """A runtime that may not be here yet: a directory is its trace."""

    name = "heron"
    kinds = frozenset({"heron"})
    unreachable = (OSError,)
    completes = frozenset[str]()

    def __init__(
        self, place: Path, context_of: Callable[[str, float], RuntimeContext], *, refuses: bool = False
    ) -> None:
        self.place = place
        self.context = context_of(self.name, 1.0)
        self.refuses, self.watched, self.closed = refuses, 0, 0
        self.tried = asyncio.Event()

    def traces(self) -> Sequence[str]:
        return [str(self.place)]

    def places(self) -> Sequence[str]:
        return [str(self.place)] if self.place.is_dir() else []

    async def watch(self) -> None:
        self.watched += 1
        self.tried.set()
        await asyncio.Event().wait()

    async def fetch(self, full_id: str, uid: int = 0) -> ContainerMetadata | None:
        return ContainerMetadata(full_id=full_id, name="one") if self.place.is_dir() else None

    def obstacles(self) -> Sequence[Obstacle]:
        return [Obstacle(f"{self.place} refuses")] if self.refuses else []

    async def close(self) -> None:
        self.closed += 1


def made(path: Path, *, refuses: bool = False) -> Callable[[list[Heron], Context], ContainerEnricher]:
    """Return a function that builds the enricher, and appends the runtime to the list that stands for its settings."""

    def build(place: list[Heron], context: Context) -> ContainerEnricher:
        def make(context_of: Callable[[str, float], RuntimeContext]) -> Heron:
            place.append(Heron(path, context_of, refuses=refuses))
            return place[-1]

        return ContainerEnricher(context, [make])

    return build


def test_a_runtime_is_watched_as_soon_as_it_is_here_and_what_it_did_not_know_is_asked_again(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def main() -> None:
        place: list[Heron] = []
        event = event_of("a", runtime="heron")
        async with working(made(tmp_path / "run/heron"), place) as enricher:
            (heron,) = place
            await reported(enricher, event)
            assert (None, 0) == (read(enricher, event, "container.name"), heron.watched)
            assert read(enricher, event, "container.state") == "unknown"
            heron.place.mkdir(parents=True)
            await until(lambda: heron.watched, "it is watched")
            await reported(enricher, event)
            assert ("one", "heron") == tuple(read(enricher, event, f"container.{what}") for what in ("name", "engine"))
            assert read(enricher, event, "container.state") == "known"
        assert 1 == heron.closed

    with caplog.at_level(logging.INFO, "mozu.test"):
        asyncio.run(main())
    assert [f"reading containers of heron: {tmp_path}/run/heron"] == [one.getMessage() for one in caplog.records]


def test_what_is_in_its_way_is_said_when_it_is_found_and_by_mozu_check(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def main() -> None:
        place: list[Heron] = []
        async with working(made(tmp_path / "heron", refuses=True), place) as enricher:
            assert () == enricher.obstacles(), "it is not here"
            place[0].place.mkdir()
            assert [f"{tmp_path}/heron refuses"] == [one.reason for one in enricher.obstacles()]
            await until(lambda: place[0].watched, "it is watched")

    with caplog.at_level(logging.WARNING, "mozu.test"):
        asyncio.run(main())
    assert [f"{tmp_path}/heron refuses"] == [one.getMessage() for one in caplog.records]


def test_what_is_in_the_way_of_one_that_is_here_already_is_not_said_twice(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Check after the core's report, which comes before the start."""

    def build(place: list[Heron], context: Context) -> ContainerEnricher:
        return made(tmp_path, refuses=True)(place, context)

    async def main() -> None:
        place: list[Heron] = []
        async with working(build, place):
            await until(lambda: place[0].watched, "it is watched")

    with caplog.at_level(logging.WARNING, "mozu.test"):
        asyncio.run(main())
    assert [] == [one.getMessage() for one in caplog.records]
