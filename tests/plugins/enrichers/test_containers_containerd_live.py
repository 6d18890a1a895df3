"""The enricher `containerd` against a real containerd: ctr's containers, in several namespaces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.runtime.loop import run
from mozu.core.state.cgroup import container_of
from mozu.core.state.texts import Cgroups
from mozu.plugins.enrichers.containers import builder
from mozu.plugins.enrichers.containers.enricher import ContainerEnricher
from mozu.plugins.enrichers.containers.settings import ContainerdSettings
from tests.plugins.enrichers.actors import event_of, read, reported, until, working
from tests.support.containerd import Containerd
from tests.support.docker import IMAGE, LABELS

pytestmark = pytest.mark.docker

REPOSITORY, TAG = "registry.example:5000/team/box", "1.2"


@asynccontextmanager
async def enricher_of(server: Containerd, **settings: Any) -> AsyncIterator[ContainerEnricher]:
    given = {"state": server.state, "socket": server.socket, **settings}
    async with working(builder("containerd"), ContainerdSettings(**given)) as enricher:
        yield enricher


def ask(server: Containerd, name: str, *fields: str, **settings: Any) -> list[Any]:
    """Return fields of one container, looked up by an enricher of its own."""

    async def main() -> list[Any]:
        event = event_of(name, runtime="containerd")
        async with enricher_of(server, **settings) as enricher:
            await reported(enricher, event)
            return [read(enricher, event, field) for field in fields]

    return run(main())


def cgroups(pid: int) -> Cgroups:
    rows = (line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    return tuple((controllers, path) for _, controllers, path in rows)


def test_a_container_has_the_name_that_ctr_gave_it_and_the_parts_of_its_image(containerd: Containerd) -> None:
    containerd.begin("web1")
    found = container_of(cgroups(containerd.pid("web1")))
    fields = ("container.name", "container.image", "container.image.repository", "container.image.tag")
    reported_fields = ask(containerd, "web1", *fields)
    digest = ask(containerd, "web1", "container.image.digest")
    listed = containerd.ctr("images", "ls")
    containerd.remove("web1")
    assert found is not None
    assert ("web1", "containerd") == (found.full_id, found.runtime)
    assert reported_fields == ["web1", IMAGE, REPOSITORY, TAG]
    assert digest[0].startswith("sha256:")
    assert digest[0] in listed


def test_labels_of_container_and_image_are_reported(containerd: Containerd) -> None:
    containerd.begin("labelled", "--label", "app=web")
    (labels,) = ask(containerd, "labelled", "container.labels")
    containerd.remove("labelled")
    assert "app:web" in labels
    assert f"org.example.team:{LABELS['org.example.team']}" in labels


def test_files_alone_tell_mounts_privileges_and_namespaces(containerd: Containerd) -> None:
    mount = "type=bind,src=/tmp,dst=/mnt,options=rbind:ro"
    containerd.begin("plain", "--mount", mount)
    containerd.begin("mighty", "--privileged", "--net-host")
    fields = ("container.privileged", "container.host_network", "container.host_pid", "container.mounts")
    plain = ask(containerd, "plain", *fields, socket=None)
    mighty = ask(containerd, "mighty", *fields[:3], "container.name", "container.image", socket=None)
    containerd.remove("plain")
    containerd.remove("mighty")
    assert plain == [False, False, False, "/tmp:/mnt::false:"]
    assert mighty == [True, True, False, "mighty", None]


def test_any_namespace_counts(containerd: Containerd) -> None:
    containerd.build("production")
    containerd.begin("web2", namespace="production")
    found = ask(containerd, "web2", "container.image.repository")
    containerd.remove("web2", namespace="production")
    assert found == [REPOSITORY]


def test_a_name_that_two_namespaces_use_is_of_neither(containerd: Containerd) -> None:
    """Fields of the name are unknown, instead of one container's by chance."""
    containerd.build("production")
    containerd.begin("twin")
    containerd.begin("twin", namespace="production")
    found = ask(containerd, "twin", "container.image")
    containerd.remove("twin")
    containerd.remove("twin", namespace="production")
    assert found == [None]


def test_a_name_that_is_used_again_stands_for_the_new_container(containerd: Containerd) -> None:
    async def main() -> None:
        event = event_of("again", runtime="containerd")
        async with enricher_of(containerd) as enricher:
            await asyncio.to_thread(containerd.begin, "again")
            await until(lambda: read(enricher, event, "container.privileged") is False, "known when it has begun")
            await asyncio.to_thread(containerd.remove, "again")
            await asyncio.to_thread(containerd.begin, "again", "--privileged")
            await until(lambda: read(enricher, event, "container.privileged") is True, "the second one is known")
            await asyncio.to_thread(containerd.remove, "again")

    run(main())


def test_a_container_that_lived_for_a_moment_is_known_to_its_last_events(containerd: Containerd) -> None:
    """Create, start and remove a container while only the state directory is watched."""

    async def main() -> list[Any]:
        event = event_of("brief", runtime="containerd")
        async with enricher_of(containerd) as enricher:
            await asyncio.to_thread(containerd.ctr, "run", "--rm", "--snapshotter", "native", IMAGE, "brief", "true")
            return [read(enricher, event, field) for field in ("container.name", "container.image")]

    assert run(main()) == ["brief", IMAGE]


def test_twenty_containers_at_once_are_all_known_when_they_have_run(containerd: Containerd) -> None:
    async def one(enricher: ContainerEnricher, name: str) -> Any:
        command = ("run", "--rm", "--snapshotter", "native", IMAGE, name, "true")
        await asyncio.to_thread(containerd.ctr, *command)
        return read(enricher, event_of(name, runtime="containerd"), "container.image")

    async def main() -> list[Any]:
        async with enricher_of(containerd) as enricher:
            return await asyncio.gather(*(one(enricher, f"flock-{number}") for number in range(20)))

    assert [IMAGE] * 20 == run(main())


def test_a_containerd_that_has_stopped_leaves_the_files(own_containerd: Containerd) -> None:
    own_containerd.begin("orphan")
    own_containerd.stop()
    found = ask(own_containerd, "orphan", "container.name", "container.image", "container.privileged")
    assert found == ["orphan", None, False]


def test_a_containerd_that_starts_later_is_found(own_containerd: Containerd, tmp_path: Path) -> None:
    own_containerd.stop()
    settings = {"state": own_containerd.root / "state"}

    async def main() -> None:
        event = event_of("late", runtime="containerd")
        async with enricher_of(own_containerd, **settings) as enricher:
            await asyncio.to_thread(own_containerd.start)
            await asyncio.to_thread(own_containerd.begin, "late")
            await until(lambda: read(enricher, event, "container.image") == IMAGE, "known")

    run(main())


def test_files_alone_tell_everything_without_the_socket(containerd: Containerd) -> None:
    """Read-only access to the state directory and the database is enough."""
    containerd.begin("readonly", "--label", "app=web")
    fields = ("container.image", "container.image.tag", "container.image.digest", "container.image.id")
    by_api = ask(containerd, "readonly", *fields, "container.labels")
    by_files = ask(containerd, "readonly", *fields, "container.labels", socket=None, root=containerd.root / "root")
    listed = containerd.ctr("images", "ls")
    containerd.remove("readonly")
    assert by_api == by_files
    assert [IMAGE, TAG] == by_files[:2]
    assert by_files[2] in listed
    assert "app:web" in by_files[4]


def test_an_image_whose_name_was_given_away_is_not_mistaken_for_the_new_one(containerd: Containerd) -> None:
    containerd.begin("older")
    containerd.build()  # the same name, written again
    containerd.ctr("images", "tag", "--force", IMAGE, IMAGE)
    found = [
        ask(containerd, "older", "container.image", "container.image.digest", **settings)
        for settings in ({}, {"socket": None, "root": containerd.root / "root"})
    ]
    containerd.remove("older")
    assert [[IMAGE, None]] * 2 == found


def test_an_image_that_was_removed_while_it_runs_keeps_its_name(containerd: Containerd) -> None:
    containerd.begin("orphaned")
    containerd.ctr("images", "rm", "--sync", IMAGE)
    found = ask(containerd, "orphaned", "container.image.repository", "container.image.digest")
    containerd.remove("orphaned")
    containerd.build()
    assert [REPOSITORY, None] == found
