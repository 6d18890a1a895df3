"""Look-ups of containers: what every enricher of a runtime gets from them."""

import asyncio

from mozu.core.common.containers.container_lookups import ContainerLookups
from mozu.core.model.containers.metadata import ContainerMetadata
from tests.plugins.enrichers.actors import context_of, event_of


class Runtime:
    """Knows `a`; counts what it is asked."""

    def __init__(self, *, reachable: bool = True) -> None:
        self.asked: list[str] = []
        self.reachable = reachable
        self.lookups = ContainerLookups(context_of(), {"podman"}, self.fetch, (OSError,))

    async def fetch(self, full_id: str) -> ContainerMetadata | None:
        self.asked.append(full_id)
        await asyncio.sleep(0)
        if not self.reachable:
            raise OSError("it is not there")
        return ContainerMetadata(full_id="a", name="known") if full_id == "a" else None


def test_only_containers_of_its_runtimes_have_a_key() -> None:
    lookups = Runtime().lookups
    events = (event_of("a", runtime="podman"), event_of("a", runtime="docker"), event_of(None))
    assert ["a", None, None] == [lookups.key(event) for event in events]


def test_one_look_up_answers_all_who_wait_for_it() -> None:
    runtime = Runtime()

    async def main() -> None:
        await asyncio.gather(*(runtime.lookups.resolve("a") for _ in range(9)))

    asyncio.run(main())
    assert (["a"], True) == (runtime.asked, runtime.lookups.known("a"))


def test_an_id_without_a_container_is_not_asked_for_again_at_once() -> None:
    runtime = Runtime()

    async def main() -> None:
        await runtime.lookups.resolve("b")
        await runtime.lookups.resolve("b")

    asyncio.run(main())
    assert (["b"], None) == (runtime.asked, runtime.lookups.metadata("b"))


def test_a_runtime_that_cannot_be_asked_leaves_what_its_creation_told() -> None:
    runtime = Runtime(reachable=False)
    told = ContainerMetadata(full_id="a", name="told")
    runtime.lookups.created(told)
    asyncio.run(runtime.lookups.resolve("a"))
    assert told == runtime.lookups.metadata("a")


def test_a_name_that_is_used_again_is_looked_up_again() -> None:
    runtime = Runtime()

    async def main() -> None:
        await runtime.lookups.resolve("a")
        runtime.lookups.ended("a")
        runtime.lookups.forget("a")
        await runtime.lookups.resolve("a")

    asyncio.run(main())
    assert ["a", "a"] == runtime.asked


def test_what_is_not_listed_has_ended() -> None:
    runtime = Runtime()

    async def main() -> None:
        await runtime.lookups.resolve("a")
        runtime.lookups.listed(["b"])

    asyncio.run(main())
    assert runtime.lookups.metadata("a") is not None, "kept for its last events"
    assert frozenset() == runtime.lookups._cache.ids()
