"""Claims: containers whose cgroup was made by a user other than root."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Claim, Container, SyscallEvent
from mozu.plugins.enrichers.containers import claims as module
from mozu.plugins.enrichers.containers.lookups import ContainerLookups
from tests.plugins.enrichers.actors import context_of, event_of

USER = 65534
ID = "a" * 64
PLACE = f"/docker/{ID}"
FORGED = f"/user.slice/docker-{ID}.scope"
OUTER = Container("b" * 64, "docker")
REAL = ContainerMetadata(full_id=ID, name="real", image="image", cgroups=(PLACE,))


class Runtimes:
    """Runtimes of two users: root's has ID and OUTER; USER's own storage has another container, and lists ID, too."""

    name, kinds, unreachable, completes = "docker", frozenset({"docker", "podman"}), (OSError,), frozenset[str]()

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.running = self.most = 0

    async def fetch(self, full_id: str, uid: int = 0) -> ContainerMetadata | None:
        self.asked.append((full_id, uid))
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if uid:
            return ContainerMetadata(full_id=full_id, name="own", owner=uid) if full_id in ("c" * 64, ID) else None
        return {ID: REAL, OUTER.full_id: ContainerMetadata(full_id=OUTER.full_id, name="outer")}.get(full_id)


class Stage:
    """The look-ups with these runtimes."""

    def __init__(self) -> None:
        self.context, self.runtimes = context_of(), Runtimes()
        self.lookups = ContainerLookups(self.context)
        self.lookups.use([self.runtimes])

    def judged(self, container: Container) -> ContainerMetadata | None:
        """Return the facts that fields of an event in this container read."""

        async def main() -> None:
            key = self.lookups.key(event(container))
            assert key is not None
            await self.lookups.resolve(key)
            assert self.lookups.known(key)

        asyncio.run(main())
        return self.lookups.metadata(container.key)

    @property
    def forged(self) -> list[Container]:
        return [one.container for one in self.context.fields.lookups.forgeries]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def event(container: Container) -> SyscallEvent:
    made = event_of(container.full_id)
    assert made.process is not None
    made.process.container = container
    return made


def claim(full_id: str = ID, place: str = FORGED, maker: int = USER, outer: Container | None = None) -> Container:
    return Container(full_id, "docker", Claim(place, maker, outer))


def test_a_forged_one_has_neither_name_nor_image_and_is_reported(stage: Stage) -> None:
    assert stage.judged(claim()) is None
    assert stage.forged == [claim()]


def test_and_says_nothing_of_the_container_itself(stage: Stage) -> None:
    stage.judged(claim())
    assert stage.judged(Container(ID, "docker")) == ContainerMetadata(
        full_id=ID, name="real", image="image", cgroups=(PLACE,), runtime="docker"
    )


def test_where_a_runtime_of_root_made_the_cgroup_it_is_the_container_whoever_owns_it(stage: Stage) -> None:
    found = stage.judged(claim(place=PLACE, maker=165_536))
    assert found is not None
    assert (found.name, stage.forged) == ("real", [])


def test_a_container_of_a_user_has_the_name_that_its_user_gave_it(stage: Stage) -> None:
    found = stage.judged(claim("c" * 64))
    assert found is not None
    assert (found.name, found.owner, stage.forged) == ("own", USER, [])


def test_that_of_another_user_is_not_read(stage: Stage) -> None:
    assert stage.judged(claim("c" * 64, maker=-1)) is None
    assert {uid for _, uid in stage.runtimes.asked} == {0}


def test_what_a_container_makes_has_the_names_of_that_container(stage: Stage) -> None:
    found = stage.judged(claim("d" * 64, f"/docker/{OUTER.full_id}/docker/{'d' * 64}", 0, OUTER))
    assert found is not None
    assert (found.name, stage.forged) == ("outer", [])


def test_and_where_it_takes_the_name_of_another_that_is_reported_too(stage: Stage) -> None:
    inside = claim(ID, f"/docker/{OUTER.full_id}/docker-{ID}.scope", 0, OUTER)
    found = stage.judged(inside)
    assert found is not None
    assert (found.name, stage.forged) == ("outer", [inside])


def test_any_number_of_claims_is_looked_up_two_at_a_time_and_few_are_kept(stage: Stage) -> None:
    keys = [claim(place=f"/user.slice/{number}/docker-{ID}.scope").key for number in range(400)]

    async def main() -> None:
        together: list[Coroutine[Any, Any, None]] = [stage.lookups.resolve(key) for key in keys]
        await asyncio.gather(*together)
        for key in keys:
            await stage.lookups.resolve(key)

    asyncio.run(main())
    assert stage.runtimes.most == 2
    assert len(stage.lookups._claims._answers) == module._MOST


def test_a_claim_evicts_no_container(stage: Stage) -> None:
    stage.judged(Container(ID, "docker"))
    for number in range(300):
        stage.judged(claim(place=f"/user.slice/{number}"))
    assert stage.lookups._cache.get(ID) is not None
