"""The enricher `docker` against a real engine."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Enricher
from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.containers import builder, mozu_components
from mozu.plugins.enrichers.containers.docker.runtime import DockerRuntime
from mozu.plugins.enrichers.containers.enricher import ContainerEnricher
from mozu.plugins.enrichers.containers.settings import DockerSettings
from tests.plugins.enrichers.actors import context_of, event_of, read, reported, until, working
from tests.plugins.enrichers.registry import registry
from tests.support.docker import IMAGE, LABELS, DockerEngine, filesystem

pytestmark = pytest.mark.docker

REPOSITORY, TAG = "registry.example:5000/team/box", "1.2"


@asynccontextmanager
async def enricher_of(docker: DockerEngine, **settings: Any) -> AsyncIterator[ContainerEnricher]:
    async with working(builder("docker"), DockerSettings(socket=docker.socket, **settings)) as enricher:
        yield enricher


async def off_loop(call: Any, *arguments: Any, **options: Any) -> Any:
    return await asyncio.to_thread(call, *arguments, **options)


def fields_of(enricher: Enricher, full_id: str, *fields: str) -> list[Any]:
    return [read(enricher, event_of(full_id), field) for field in fields]


def docker_name(enricher: Enricher, full_id: str) -> Any:
    return read(enricher, event_of(full_id), "container.name")


async def asked(docker: DockerEngine, full_id: str, *fields: str, **settings: Any) -> list[Any]:
    """Return fields of one container, looked up by an enricher of its own."""
    async with enricher_of(docker, **settings) as enricher:
        await reported(enricher, event_of(full_id))
        return fields_of(enricher, full_id, *fields)


def docker_of(enricher: Enricher) -> DockerRuntime:
    assert isinstance(enricher, ContainerEnricher)
    (runtime,) = enricher._runtimes
    assert isinstance(runtime, DockerRuntime)
    return runtime


def ask(docker: DockerEngine, full_id: str, *fields: str, **settings: Any) -> list[Any]:
    return run(asked(docker, full_id, *fields, **settings))


def test_a_container_has_its_name_and_the_parts_of_its_image(docker: DockerEngine) -> None:
    full_id = docker.begin(options=("--name", "named"))
    found = ask(
        docker,
        full_id,
        *("container.name", "container.image", "container.image.repository", "container.image.tag"),
        *("container.image.digest", "container.image.id", "container.privileged", "container.host_network"),
    )
    image = docker.inspect(full_id)["Image"].removeprefix("sha256:")
    docker.remove(full_id)
    assert found == ["named", IMAGE, REPOSITORY, TAG, "", image, False, False]


@pytest.mark.parametrize("place", ["files", "api"])
def test_files_and_api_tell_the_same(docker: DockerEngine, tmp_path: Path, place: str) -> None:
    options = ("--volume", "/tmp:/mnt:ro", "--volume", "stock:/stock", "--label", "app=web", "--ipc", "host")
    full_id = docker.begin(options=options)
    fields = ("container.mounts", "container.labels", "container.host_ipc", "container.host_pid")
    settings = {"data_root": docker.data_root if place == "files" else tmp_path}
    found = ask(docker, full_id, *fields, **settings)
    docker.remove(full_id)
    stock = docker.data_root / "volumes" / "stock" / "_data"
    mounts = f"/tmp:/mnt:ro:false:rslave,{stock}:/stock:z:true:"
    assert found == [mounts, "app:web, org.example.flag, org.example.team:perch", True, False]


def test_labels_can_be_asked_for_one_by_one(docker: DockerEngine) -> None:
    full_id = docker.begin(options=("--label", "app=web"))

    async def main() -> list[Any]:
        async with enricher_of(docker) as enricher:
            await reported(enricher, event_of(full_id))
            keys = ("app", "absent", *LABELS)
            return [read(enricher, event_of(full_id), "container.label", key) for key in keys]

    found = run(main())
    docker.remove(full_id)
    assert found == ["web", None, *LABELS.values()]


def test_a_privileged_container_is_reported_from_others(docker: DockerEngine) -> None:
    options = ("--privileged", "--pid", "host", "--network", "host")
    full_id = docker.docker("create", *options, IMAGE, "true")
    found = ask(docker, full_id, "container.privileged", "container.host_pid", "container.host_network")
    docker.remove(full_id)
    assert found == [True, True, True]


def test_a_container_started_by_the_id_of_its_image_has_the_name_of_the_image(docker: DockerEngine) -> None:
    image = docker.docker("image", "inspect", "--format", "{{.Id}}", IMAGE)
    full_id = docker.docker("create", image.removeprefix("sha256:")[:12], "true")
    found = ask(docker, full_id, "container.image.repository", "container.image.tag")
    docker.remove(full_id)
    assert found == [REPOSITORY, TAG]


@pytest.mark.parametrize("place", ["files", "api"])
def test_an_image_that_was_pulled_has_the_digest_of_its_registry(
    docker: DockerEngine, tmp_path: Path, place: str
) -> None:
    with registry(filesystem()) as (host, digest):
        docker.docker("pull", "--quiet", f"{host}/team/pulled:3")
    by_tag = docker.docker("create", f"{host}/team/pulled:3", "true")
    by_digest = docker.docker("create", f"{host}/team/pulled@{digest}", "true")
    fields = ("container.image.repository", "container.image.tag", "container.image.digest")
    settings = {"data_root": docker.data_root if place == "files" else tmp_path}
    found = [ask(docker, full_id, *fields, **settings) for full_id in (by_tag, by_digest)]
    docker.remove(by_tag, by_digest)
    docker.docker("rmi", f"{host}/team/pulled:3")
    assert found == [[f"{host}/team/pulled", "3", digest]] * 2


def test_containers_that_exist_already_are_known_at_once(docker: DockerEngine) -> None:
    full_id = docker.begin()

    async def main() -> bool:
        async with enricher_of(docker) as enricher:
            return enricher.known(full_id)

    known = run(main())
    docker.remove(full_id)
    assert known


def test_a_container_is_known_before_its_first_instruction_and_after_its_last(docker: DockerEngine) -> None:
    """A container that is created, started and removed within a blink still has a name and an image in later
    decisions.
    """

    async def main() -> list[Any]:
        async with enricher_of(docker) as enricher:
            full_id = await off_loop(docker.docker, "create", "--network", "none", IMAGE, "touch", "/unchi")
            await until(lambda: enricher.known(full_id), "known from its creation on")
            await off_loop(docker.docker, "start", "--attach", full_id)
            await off_loop(docker.remove, full_id)
            return fields_of(enricher, full_id, "container.image", "container.image.tag", "container.privileged")

    assert run(main()) == [IMAGE, TAG, False]


def test_a_container_that_was_gone_before_anybody_looked_is_known_by_its_events(
    docker: DockerEngine, tmp_path: Path
) -> None:
    """Without files, and with an engine that has forgotten the container, the event of its creation supplies
    the name.
    """

    async def main() -> list[Any]:
        async with enricher_of(docker, data_root=tmp_path) as enricher:
            full_id = await off_loop(docker.docker, "create", "--name", "brief", IMAGE, "true")
            await off_loop(docker.remove, full_id)
            await until(lambda: docker_name(enricher, full_id) is not None, "named by its events")
            return fields_of(enricher, full_id, "container.name", "container.image.repository", "container.image.tag")

    assert run(main()) == ["brief", REPOSITORY, TAG]


def test_twenty_containers_at_once_are_all_known_when_they_have_run(docker: DockerEngine) -> None:
    async def one(enricher: Enricher, number: int) -> tuple[Any, ...]:
        file = docker.root / f"cid-{number}"
        options = ("--name", f"flock-{number}", "--cidfile", str(file))
        await off_loop(docker.run, "touch", "/unchi", options=options)
        full_id = file.read_text()
        await reported(enricher, event_of(full_id))
        return tuple(fields_of(enricher, full_id, "container.name", "container.image", "container.privileged"))

    async def main() -> list[tuple[Any, ...]]:
        async with enricher_of(docker) as enricher:
            return await asyncio.gather(*(one(enricher, number) for number in range(20)))

    assert run(main()) == [(f"flock-{number}", IMAGE, False) for number in range(20)]


def test_a_renamed_container_has_its_new_name(docker: DockerEngine) -> None:
    full_id = docker.begin(options=("--name", "before"))

    async def main() -> None:
        async with enricher_of(docker) as enricher:
            await reported(enricher, event_of(full_id))
            await off_loop(docker.docker, "rename", full_id, "after")
            await until(lambda: docker_name(enricher, full_id) == "after", "renamed")

    run(main())
    docker.remove(full_id)


def test_an_image_that_is_retagged_or_loses_its_name_while_it_runs_stays_what_it_was(
    docker: DockerEngine, tmp_path: Path
) -> None:
    """The image is known by the engine's files, and by its API if the files may not be read."""
    moved = "registry.example:5000/team/moved:3"
    docker.docker("import", "--message", "another", "-", moved, stdin=filesystem())
    fields = ("container.image", "container.image.repository", "container.image.tag", "container.image.id")
    full_id = docker.begin(image=moved)
    before = ask(docker, full_id, *fields)
    docker.docker("tag", IMAGE, moved)
    places = (docker.data_root, tmp_path)
    retagged = [ask(docker, full_id, *fields, data_root=place) for place in places]
    docker.docker("rmi", moved)
    unnamed = [ask(docker, full_id, *fields, data_root=place) for place in places]
    docker.remove(full_id)
    assert [moved, "registry.example:5000/team/moved", "3"] == before[:3]
    assert [before] * 4 == [*retagged, *unnamed]


def test_an_id_that_the_engine_does_not_know_is_not_looked_up_again(docker: DockerEngine) -> None:
    async def main() -> list[Any]:
        async with enricher_of(docker) as enricher:
            await reported(enricher, event_of("f" * 64))
            return [enricher.known("f" * 64), docker_name(enricher, "f" * 64)]

    assert run(main()) == [True, None]


def test_containers_of_other_runtimes_are_nobodys_business(docker: DockerEngine) -> None:
    async def main() -> str | None:
        async with enricher_of(docker) as enricher:
            return enricher.key(event_of("a" * 64, runtime="podman"))

    assert run(main()) is None


def test_without_an_engine_a_container_is_known_by_its_files(own_docker: DockerEngine) -> None:
    full_id = own_docker.begin(options=("--name", "orphan"))
    own_docker.stop()
    assert ask(own_docker, full_id, "container.name", data_root=own_docker.data_root) == ["orphan"]


def test_without_an_engine_and_without_files_a_container_is_unknown(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        settings = DockerSettings(socket=tmp_path / "none.sock", data_root=tmp_path)
        async with working(builder("docker"), settings) as enricher:
            await reported(enricher, event_of("a" * 64))
            return [enricher.known("a" * 64), docker_name(enricher, "a" * 64)]

    assert run(main()) == [True, None]


def test_an_absent_engine_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        settings = DockerSettings(socket=tmp_path / "none.sock", data_root=tmp_path)
        with socket.socket(socket.AF_UNIX) as unheard:  # a socket without a server
            unheard.bind(str(settings.socket))
        async with working(builder("docker"), settings) as enricher:
            backoff = docker_of(enricher)._watcher._reconnection._backoff
            await until(lambda: backoff.left() > 0.5, "tried again a few times")

    (tmp_path / "containers").mkdir()
    with caplog.at_level(logging.INFO, "mozu.test"):
        run(main())
    assert 1 == caplog.text.count("the docker engine does not answer at")


def test_a_machine_without_a_trace_of_docker_hears_nothing_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        settings = DockerSettings(socket=tmp_path / "none.sock", data_root=tmp_path)
        async with working(builder("docker"), settings) as enricher:
            await reported(enricher, event_of("a" * 64))

    with caplog.at_level(logging.INFO, "mozu.test"):
        run(main())
    assert "" == caplog.text


def test_an_engine_that_starts_later_and_starts_again_is_followed(own_docker: DockerEngine) -> None:
    own_docker.stop()

    async def begin(enricher: Enricher, name: str) -> str:
        full_id: str = await off_loop(own_docker.docker, "create", "--name", name, IMAGE, "true")
        await until(lambda: docker_name(enricher, full_id) == name, f"{name} is known from events alone")
        return full_id

    async def main() -> list[Any]:
        async with enricher_of(own_docker) as enricher:
            await off_loop(own_docker.start)
            first = await begin(enricher, "first")
            await off_loop(own_docker.stop)
            await off_loop(own_docker.start)
            second = await begin(enricher, "second")
            return [docker_name(enricher, first), docker_name(enricher, second)]

    assert run(main()) == ["first", "second"]


def test_what_was_removed_while_the_engine_was_not_watched_is_expired(own_docker: DockerEngine) -> None:
    full_id = own_docker.docker("create", "--name", "left", IMAGE, "true")

    async def main() -> None:
        async with enricher_of(own_docker) as enricher:
            assert isinstance(enricher, ContainerEnricher)
            cache = enricher._lookups._cache
            before = full_id in cache.ids()
            await enricher.stop()
            await off_loop(own_docker.remove, full_id)
            await docker_of(enricher).on_list([])
            assert (True, False) == (before, full_id in cache.ids())

    run(main())


def test_recordings_ask_no_engine(docker: DockerEngine) -> None:
    full_id = docker.docker("create", IMAGE, "true")

    async def main() -> list[Any]:
        enricher = builder("docker")(DockerSettings(socket=docker.socket), context_of(offline=True))
        await enricher.start()
        await reported(enricher, event_of(full_id))
        await enricher.stop()
        return [docker_name(enricher, full_id), read(enricher, event_of(), "container.name")]

    found = run(main())
    docker.remove(full_id)
    assert found == [None, "host"]


def test_its_declaration_says_what_it_is() -> None:
    declaration = next(one for one in mozu_components() if one.name == "docker")
    assert ("docker", DockerSettings) == (declaration.name, declaration.settings)


def crippled(answers: dict[str, bytes]) -> Any:
    """Yield a server that answers the given requests of the API and then closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            path = line.split()[1].decode()
            while (await reader.readline()).strip():
                pass
            body = next((body for key, body in answers.items() if key in path), b"")
            head = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: %d\r\n\r\n" % len(body)
            writer.write(head + body)
            await writer.drain()
        writer.close()

    return serve


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"Id": 5}', json.dumps({"Id": "x", "Mounts": 3}).encode()])
def test_an_engine_that_talks_nonsense_leaves_the_container_unknown(tmp_path: Path, body: bytes) -> None:
    async def main() -> bool:
        server = await asyncio.start_unix_server(crippled({"/containers/": body}), tmp_path / "sock")
        async with server:
            settings = DockerSettings(socket=tmp_path / "sock", data_root=tmp_path)
            async with working(builder("docker"), settings) as enricher:
                await reported(enricher, event_of("a" * 64))
                return docker_name(enricher, "a" * 64) is None

    assert run(main())
