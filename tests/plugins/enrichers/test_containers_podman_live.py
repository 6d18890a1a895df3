"""The enricher `podman` against real containers of podman."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.runtime.loop import run
from mozu.core.state.cgroup import container_of
from mozu.plugins.enrichers.containers import builder
from mozu.plugins.enrichers.containers.enricher import ContainerEnricher
from mozu.plugins.enrichers.containers.settings import PodmanSettings
from tests.plugins.enrichers.actors import event_of, read, reported, until, working
from tests.support.docker import IMAGE, filesystem
from tests.support.podman import Podman

pytestmark = pytest.mark.docker

REPOSITORY, TAG = "registry.example:5000/team/box", "1.2"


@asynccontextmanager
async def enricher_of(podman: Podman) -> AsyncIterator[ContainerEnricher]:
    async with working(builder("podman"), PodmanSettings(storage=(str(podman.storage),))) as enricher:
        yield enricher


def ask(podman: Podman, full_id: str, *fields: str) -> list[Any]:
    """Return fields of one container, looked up by an enricher of its own."""

    async def main() -> list[Any]:
        event = event_of(full_id, runtime="podman")
        async with enricher_of(podman) as enricher:
            await reported(enricher, event)
            return [read(enricher, event, field) for field in fields]

    return run(main())


def test_a_container_has_its_name_and_the_parts_of_its_image(podman: Podman) -> None:
    full_id = podman.begin("--name", "named")
    rows = (line.split(":", 2) for line in Path(f"/proc/{podman.pid(full_id)}/cgroup").read_text().splitlines())
    found = container_of(tuple((controllers, path) for _, controllers, path in rows))
    fields = ("container.name", "container.image", "container.image.repository", "container.image.tag")
    answers = ask(podman, full_id, *fields)
    ids = ask(podman, full_id, "container.image.id", "container.image.digest")
    inspected = podman.podman("image", "inspect", "--format", "{{.Id}} {{.Digest}}", IMAGE).split()
    podman.remove(full_id)
    assert found is not None
    assert (full_id, "podman") == (found.full_id, found.runtime)
    assert answers == ["named", IMAGE, REPOSITORY, TAG]
    assert ids == inspected


def test_mounts_privileges_and_namespaces_are_reported(podman: Podman) -> None:
    plain = podman.begin("--volume", "/tmp:/mnt:ro")
    mighty = podman.begin("--privileged", "--pid", "host", "--cap-drop", "SYS_RESOURCE")
    fields = ("container.privileged", "container.host_pid", "container.host_network")
    mount = {"container.mount.source": "^/mnt$", "container.mount.rdwr": "^/tmp$"}

    async def main() -> list[Any]:
        event = event_of(plain, runtime="podman")
        async with enricher_of(podman) as enricher:
            await reported(enricher, event)
            return [read(enricher, event, field, argument) for field, argument in mount.items()]

    mounts = run(main())
    found = ask(podman, plain, *fields), ask(podman, mighty, *fields)
    podman.remove(plain, mighty)
    assert mounts == ["/tmp", "false"]
    assert found == ([False, False, False], [True, True, False])


def test_a_container_that_lived_for_a_moment_is_known_to_its_last_events(podman: Podman) -> None:
    async def main() -> list[Any]:
        async with enricher_of(podman) as enricher:
            file = podman.root / "cid"
            await asyncio.to_thread(podman.run, "--name", "brief", "--cidfile", str(file), command=("true",))
            event = event_of(file.read_text(), runtime="podman")
            return [read(enricher, event, field) for field in ("container.name", "container.image")]

    assert run(main()) == ["brief", IMAGE]


def test_its_database_tells_labels_pods_and_health_checks(podman: Podman) -> None:
    podman.podman("pod", "create", "--name", "nest", "--infra=false", "--label", "tree=oak")
    pod = podman.podman("pod", "inspect", "--format", "{{.ID}}", "nest")
    full_id = podman.begin("--pod", "nest", "--label", "app=web", "--health-cmd", "true").splitlines()[-1]

    async def main() -> list[Any]:
        event = event_of(full_id, runtime="podman")
        async with enricher_of(podman) as enricher:
            await reported(enricher, event)
            fields = ("k8s.pod.name", "k8s.pod.uid", "container.ip")
            return [read(enricher, event, "container.label", "app"), *(read(enricher, event, one) for one in fields)]

    found = run(main())
    podman.podman("pod", "rm", "--force", "--time", "0", "nest")
    assert ["web", "nest", pod, ""] == found


def test_a_container_that_is_renamed_has_its_new_name(podman: Podman) -> None:
    full_id = podman.begin("--name", "before")

    async def main() -> None:
        event = event_of(full_id, runtime="podman")
        async with enricher_of(podman) as enricher:
            await reported(enricher, event)
            assert "before" == read(enricher, event, "container.name")
            await asyncio.to_thread(podman.podman, "rename", "before", "after")
            await until(lambda: read(enricher, event, "container.name") == "after", "its new name is known")

    run(main())
    podman.remove(full_id)


def test_an_image_that_is_retagged_or_loses_its_name_while_it_runs_stays_what_it_was(podman: Podman) -> None:
    moved = "registry.example:5000/team/moved:3"
    podman.podman("import", "--message", "another", "-", moved, stdin=filesystem())
    fields = ("container.image", "container.image.repository", "container.image.tag", "container.image.id")
    full_id = podman.begin(image=moved)
    before = ask(podman, full_id, *fields)
    podman.podman("tag", IMAGE, moved)
    retagged = ask(podman, full_id, *fields)
    podman.podman("untag", moved)
    unnamed = ask(podman, full_id, *fields)
    podman.remove(full_id)
    assert [moved, "registry.example:5000/team/moved", "3"] == before[:3]
    assert [before] * 2 == [retagged, unnamed]
