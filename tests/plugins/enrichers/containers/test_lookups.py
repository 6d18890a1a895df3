"""Look-ups of containers, the common part of every runtime's enricher."""

import asyncio
from collections.abc import Collection

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.lookups import ContainerLookups
from tests.plugins.enrichers.actors import context_of, event_of


class Runtime:
    """A runtime that knows `a`, and counts its calls."""

    unreachable = (OSError,)

    def __init__(
        self,
        *others: "Runtime",
        name: str = "podman",
        kinds: Collection[str] = ("podman",),
        completes: Collection[str] = (),
        reachable: bool = True,
        reported: ContainerMetadata | None = None,
    ) -> None:
        self.name, self.kinds, self.completes = name, frozenset(kinds), frozenset(completes)
        self.asked: list[str] = []
        self.reachable = reachable
        self.reported = ContainerMetadata(full_id="a", name="known") if reported is None else reported
        self.lookups = ContainerLookups(context_of())
        self.lookups.use([self, *others])

    async def fetch(self, full_id: str, uid: int = 0) -> ContainerMetadata | None:
        self.asked.append(full_id)
        await asyncio.sleep(0)
        if not self.reachable:
            raise OSError("it is not there")
        return self.reported if full_id == "a" else None


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


def test_a_runtime_that_cannot_be_asked_leaves_what_its_creation_reported() -> None:
    runtime = Runtime(reachable=False)
    reported = ContainerMetadata(full_id="a", name="reported")
    runtime.lookups.created(reported)
    asyncio.run(runtime.lookups.resolve("a"))
    assert reported == runtime.lookups.metadata("a")


def test_a_name_that_is_used_again_is_looked_up_again() -> None:
    runtime = Runtime()

    async def main() -> None:
        await runtime.lookups.resolve("a")
        runtime.lookups.ended("a")
        runtime.lookups.replaced("a")
        await runtime.lookups.resolve("a")

    asyncio.run(main())
    assert ["a", "a"] == runtime.asked


def test_a_container_whose_first_event_came_before_the_notice_of_its_creation_stays_known() -> None:
    """Check a late notice, as in a storm, after which the container may be gone already."""
    runtime = Runtime()

    async def main() -> None:
        await runtime.lookups.resolve("a")
        runtime.lookups.replaced("a")

    asyncio.run(main())
    assert (True, ["a"]) == (runtime.lookups.known("a"), runtime.asked)


def test_what_is_not_listed_has_ended() -> None:
    runtime = Runtime()

    async def main() -> None:
        await runtime.lookups.resolve("a")
        runtime.lookups.listed(["b"], "podman")

    asyncio.run(main())
    assert runtime.lookups.metadata("a") is not None, "kept for its last events"
    assert frozenset() == runtime.lookups._cache.ids()


def test_what_one_runtime_lists_says_nothing_of_the_containers_of_others() -> None:
    runtime = Runtime()
    asyncio.run(runtime.lookups.resolve("a"))
    runtime.lookups.listed(["b"], "docker")
    assert frozenset("a") == runtime.lookups._cache.ids()


def test_several_runtimes_share_one_cache_and_the_first_that_knows_an_id_answers() -> None:
    docker = Runtime(name="docker", kinds=("docker", "k8s"), reachable=False)
    podman = Runtime(docker, kinds=("podman", "k8s"))
    lookups = podman.lookups
    lookups.key(event_of("a", runtime="k8s"))
    asyncio.run(lookups.resolve("a"))
    found = lookups.metadata("a")
    assert found is not None
    assert ("podman", ["a"], []) == (found.runtime, podman.asked, docker.asked)


def test_a_runtime_whose_containers_the_cgroup_cannot_show_is_not_asked() -> None:
    docker = Runtime(name="docker", kinds=("docker",))
    lookups = Runtime(docker, kinds=("podman",)).lookups
    lookups.key(event_of("b", runtime="docker"))
    asyncio.run(lookups.resolve("b"))
    assert ["b"] == docker.asked


def test_a_pod_that_two_runtimes_know_has_what_either_says() -> None:
    files = ContainerMetadata(full_id="a", name="server", privileged=False, sandbox_id="s", labels={"x": "files"})
    api = ContainerMetadata(full_id="a", ip="10.0.0.7", privileged=True, labels={"x": "api", "y": "api"}, started=7)
    cri = Runtime(name="cri", kinds=("containerd",), completes=("containerd",), reported=api)
    lookups = Runtime(cri, name="containerd", kinds=("containerd",), reported=files).lookups
    asyncio.run(lookups.resolve("a"))
    found = lookups.metadata("a")
    assert found is not None
    assert ("server", "10.0.0.7", False, 7) == (found.name, found.ip, found.privileged, found.started)
    assert {"x": "files", "y": "api"} == found.labels


def test_a_container_that_is_no_pods_is_asked_of_one_runtime() -> None:
    cri = Runtime(name="cri", kinds=("containerd",), completes=("containerd",))
    lookups = Runtime(cri, name="containerd", kinds=("containerd",)).lookups
    asyncio.run(lookups.resolve("a"))
    assert [] == cri.asked


def test_a_container_is_late_while_it_is_looked_up_then_known_or_unknown() -> None:
    runtime = Runtime()

    async def main() -> list[str]:
        states = [runtime.lookups.state("a")]
        async with asyncio.TaskGroup() as group:
            group.create_task(runtime.lookups.resolve("a"))
            await asyncio.sleep(0)
            states.append(runtime.lookups.state("a"))
        await runtime.lookups.resolve("b")
        return [*states, runtime.lookups.state("a"), runtime.lookups.state("b")]

    assert ["unknown", "late", "known", "unknown"] == asyncio.run(main())


def test_what_none_knew_is_asked_again_when_a_runtime_can_be_asked_again() -> None:
    runtime = Runtime()
    asyncio.run(runtime.lookups.resolve("b"))
    runtime.lookups.recovered()
    asyncio.run(runtime.lookups.resolve("b"))
    assert ["b", "b"] == runtime.asked


def test_a_container_whose_look_up_waits_for_its_turn_is_late() -> None:
    lookups = Runtime().lookups
    lookups.key(event_of("b", runtime="podman"))
    before = lookups.state("b")
    asyncio.run(lookups.resolve("b"))
    assert ["late", "unknown"] == [before, lookups.state("b")]
