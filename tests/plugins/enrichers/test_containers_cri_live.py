"""The enricher `cri` against the CRI plugin of a real containerd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Enricher
from mozu.core.runtime.loop import run
from mozu.core.state.cgroup import container_of
from mozu.plugins.enrichers.containers import build, builder
from mozu.plugins.enrichers.containers.settings import ContainerdSettings, ContainersSettings, CriSettings
from tests.plugins.enrichers.actors import event_of, read, reported, working
from tests.support.containerd import SANDBOX_IMAGE, docker_archive
from tests.support.cri import Pods
from tests.support.docker import IMAGE

pytestmark = pytest.mark.docker

REPOSITORY, TAG = "registry.example:5000/team/box", "1.2"


@asynccontextmanager
async def enricher_of(pods: Pods) -> AsyncIterator[Enricher]:
    async with working(builder("cri"), CriSettings(sockets=(pods.server.socket,))) as enricher:
        yield enricher


def ask(pods: Pods, full_id: str, *fields: str | tuple[str, str]) -> list[Any]:
    """Return fields of one container, looked up by an enricher of its own."""

    async def main() -> list[Any]:
        event = event_of(full_id, runtime="containerd")
        async with enricher_of(pods) as enricher:
            await reported(enricher, event)
            return [read(enricher, event, *((field,) if isinstance(field, str) else field)) for field in fields]

    return run(main())


def test_a_container_of_a_pod_has_its_own_names_and_those_of_its_pod(pods: Pods) -> None:
    sandbox = pods.pod("web-0", labels={"app": "web"}, annotations={"team": "perch"})
    container = pods.container(sandbox, "server", labels={"tier": "front"})
    rows = (line.split(":", 2) for line in Path(f"/proc/{pods.pid(container)}/cgroup").read_text().splitlines())
    found = container_of(tuple((controllers, path) for _, controllers, path in rows))
    names = ask(pods, container, "container.name", "k8s.pod.name", "k8s.ns.name", "k8s.pod.full_sandbox_id")
    labels = ask(
        pods, container, ("container.label", "tier"), ("k8s.pod.label", "app"), ("k8s.pod.label", "annotation.team")
    )
    pods.remove(sandbox)
    assert found is not None
    assert container == found.full_id
    assert ["server", "web-0", "shop", sandbox] == names
    assert ["front", "web", "perch"] == labels


def test_the_parts_of_its_image_are_reported(pods: Pods) -> None:
    sandbox = pods.pod("web-0")
    container = pods.container(sandbox, "server")
    parts = ask(pods, container, "container.image", "container.image.repository", "container.image.tag")
    (image_id,) = ask(pods, container, "container.image.id")
    listed = pods.server.ctr("-n", "k8s.io", "images", "ls", "-q")
    pods.remove(sandbox)
    assert [IMAGE, REPOSITORY, TAG] == parts
    assert f"sha256:{image_id}" in listed.split()


def test_an_image_that_is_retagged_or_removed_while_it_runs_keeps_its_name(pods: Pods) -> None:
    """The enricher reads containerd's files and CRI together, as by default."""
    server, moved = pods.server, "registry.example:5000/team/moved:3"
    ctr = ("-n", "k8s.io", "images")
    archive = server.root / "moved.tar"
    archive.write_bytes(docker_archive(image=moved, entry_point=("/bin/true",)))  # not the content of another image
    server.ctr(*ctr, "import", "--snapshotter", "native", archive)
    sandbox = pods.pod("web-0")
    container = pods.container(sandbox, "server", image=moved)
    settings = ContainersSettings(
        docker=None,
        containerd=ContainerdSettings(state=server.state, root=server.root / "root", socket=server.socket),
        cri=CriSettings(sockets=(server.socket,)),
        podman=None,
    )

    async def main() -> list[Any]:
        event = event_of(container, runtime="containerd")
        async with working(build, settings) as enricher:
            await reported(enricher, event)
            return [read(enricher, event, field) for field in ("container.image.repository", "container.image.tag")]

    found = [run(main())]
    server.ctr(*ctr, "tag", "--force", SANDBOX_IMAGE, moved)
    found.append(run(main()))
    server.ctr(*ctr, "rm", "--sync", moved)
    found.append(run(main()))
    pods.remove(sandbox)
    assert [["registry.example:5000/team/moved", "3"]] * 3 == found


def test_privileges_mounts_and_the_hosts_namespaces_are_reported(pods: Pods) -> None:
    plain = pods.pod("plain")
    mighty = pods.pod("mighty", host_pid=True, privileged=True)
    first = pods.container(plain, "first", mounts={"/tmp": "/mnt"})
    second = pods.container(mighty, "second", privileged=True)
    fields = ("container.privileged", "container.host_pid", "container.host_network")
    found = ask(pods, first, *fields), ask(pods, second, *fields)
    mount = ask(pods, first, ("container.mount.source", "^/mnt$"), ("container.mount.rdwr", "^/tmp$"))
    pods.remove(plain, mighty)
    assert ([False, False, True], [True, True, True]) == found
    assert ["/tmp", "false"] == mount


def test_the_sandbox_itself_is_known_by_its_pod(pods: Pods) -> None:
    sandbox = pods.pod("alone", labels={"app": "none"})
    found = ask(pods, sandbox, "container.name", "k8s.pod.name", "k8s.pod.full_sandbox_id", ("k8s.pod.label", "app"))
    pods.remove(sandbox)
    assert ["alone", "alone", sandbox, "none"] == found


def test_an_id_that_is_none_of_a_pods_is_unknown(pods: Pods) -> None:
    assert [None] == ask(pods, "a" * 64, "container.name")


def test_a_runtime_that_stops_and_comes_back_is_asked_again(own_pods: Pods) -> None:
    sandbox = own_pods.pod("web-0")
    container = own_pods.container(sandbox, "server")
    other = own_pods.container(sandbox, "helper")

    async def main() -> None:
        async with enricher_of(own_pods) as enricher:
            first, second = (event_of(full_id, runtime="containerd") for full_id in (container, other))
            await reported(enricher, first)
            await asyncio.to_thread(own_pods.server.stop)
            await reported(enricher, second)
            assert ["server", None] == [read(enricher, event, "container.name") for event in (first, second)]
            await asyncio.to_thread(own_pods.server.start)

            async with asyncio.timeout(20):
                while read(enricher, second, "container.name") != "helper":
                    await reported(enricher, second)
                    await asyncio.sleep(0.05)  # the negative cache is cleared as soon as the runtime answers

    run(main())


def test_containerds_files_tell_a_pod_without_its_socket(pods: Pods) -> None:
    sandbox = pods.pod("web-0", labels={"app": "web"}, annotations={"team": "perch"})
    container = pods.container(sandbox, "server", labels={"tier": "front"})
    settings = ContainerdSettings(state=pods.server.state, root=pods.server.root / "root", socket=None)

    async def main() -> list[Any]:
        event = event_of(container, runtime="containerd")
        async with working(builder("containerd"), settings) as enricher:
            await reported(enricher, event)
            asked = [("container.label", "tier"), ("k8s.pod.label", "app"), ("k8s.pod.label", "annotation.team")]
            plain = (
                "container.name", "k8s.pod.name", "k8s.ns.name", "container.image.repository", "container.image.id",
            )  # fmt: skip
            return [
                *(read(enricher, event, *one) for one in asked), *(read(enricher, event, one) for one in plain),
            ]  # fmt: skip

    found = run(main())
    by_cri = ask(pods, container, "container.image.id")
    pods.remove(sandbox)
    assert ["front", "web", "perch", "server", "web-0", "shop", REPOSITORY, *by_cri] == found


def test_the_enricher_of_all_runtimes_knows_a_pod_by_files_and_by_cri(pods: Pods) -> None:
    """Containerd answers, and CRI adds the data that it alone has."""
    server = pods.server
    settings = ContainersSettings(
        docker=None,
        containerd=ContainerdSettings(state=server.state, socket=server.socket),
        cri=CriSettings(sockets=(server.socket,)),
        podman=None,
    )

    async def main() -> list[Any]:
        async with working(build, settings) as enricher:
            sandbox = await asyncio.to_thread(pods.pod, "web-0", labels={"app": "web"})
            container = await asyncio.to_thread(pods.container, sandbox, "server")
            event, pause = (event_of(one, runtime="containerd") for one in (container, sandbox))
            for one in (event, pause):
                await reported(enricher, one)
            fields = ("container.name", "container.engine", "container.state", "container.ip", "k8s.pod.uid")
            found = [read(enricher, event, field) for field in fields]
            found += [read(enricher, one, "container.is_pod_sandbox") for one in (event, pause)]
            found.append(read(enricher, event, "k8s.pod.label", "app"))
            await asyncio.to_thread(pods.remove, sandbox)
            return found

    name, engine, state, ip, uid, *rest = run(main())
    assert ("server", "containerd", "known", "") == (name, engine, state, ip)
    assert uid.startswith("00000000-0000-4000-8000-")
    assert [False, True, "web"] == rest
