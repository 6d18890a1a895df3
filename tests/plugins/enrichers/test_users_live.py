"""The enricher `users` on the files of real containers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.users.enricher import UsersEnricher
from mozu.plugins.enrichers.users.settings import UsersSettings
from mozu.plugins.enrichers.users.user_names import RECHECK_INTERVAL
from tests.plugins.enrichers.actors import event_of, read, reported, until, working
from tests.support.docker import DockerEngine

pytestmark = pytest.mark.docker

FIELDS = ("user.name", "user.homedir", "user.shell", "group.name")


@asynccontextmanager
async def enricher_of() -> AsyncIterator[UsersEnricher]:
    async with working(UsersEnricher, UsersSettings()) as enricher:
        yield enricher


async def asked(full_id: str, pid: int, *fields: str, **process: Any) -> list[Any]:
    async with enricher_of() as enricher:
        event = event_of(full_id, pid=pid, **process)
        await reported(enricher, event)
        return [read(enricher, event, field) for field in fields]


def test_a_container_has_users_of_its_own(docker: DockerEngine) -> None:
    full_id = docker.begin()
    found = run(asked(full_id, docker.pid(full_id), *FIELDS, uid=4711, gid=4712))
    docker.remove(full_id)
    assert found == ["magpie", "/nest", "/bin/sh", "corvids"]


def test_a_container_does_not_have_the_users_of_the_host(docker: DockerEngine) -> None:
    full_id = docker.begin()
    found = run(asked(full_id, docker.pid(full_id), "user.name", uid=1))
    docker.remove(full_id)
    assert found == ["<NA>"]


def test_the_users_of_the_host_are_not_those_of_a_container(docker: DockerEngine) -> None:
    async def main(full_id: str, pid: int) -> str:
        async with enricher_of() as enricher:
            await reported(enricher, event_of(full_id, pid=pid, uid=4711))
            await reported(enricher, event_of(uid=4711))
            return str(read(enricher, event_of(uid=4711), "user.name"))

    full_id = docker.begin()
    found = run(main(full_id, docker.pid(full_id)))
    docker.remove(full_id)
    assert found == "<NA>"


def test_a_user_added_to_a_container_has_a_name(docker: DockerEngine) -> None:
    async def main(full_id: str, pid: int) -> list[Any]:
        async with enricher_of() as enricher:
            await reported(enricher, event_of(full_id, pid=pid, uid=4711))
            line = "jay:x:5000:5000::/:/bin/sh"
            await asyncio.to_thread(docker.docker, "exec", full_id, "sh", "-c", f"echo {line} >> /etc/passwd")
            await asyncio.sleep(RECHECK_INTERVAL)  # the background may have read the file just before it was written
            event = event_of(full_id, pid=pid, uid=5000)
            await reported(enricher, event)
            return [read(enricher, event, "user.name")]

    full_id = docker.begin()
    found = run(main(full_id, docker.pid(full_id)))
    docker.remove(full_id)
    assert found == ["jay"]


def test_a_user_renamed_in_a_container_has_the_new_name_soon(docker: DockerEngine) -> None:
    async def main(full_id: str, pid: int) -> None:
        async with enricher_of() as enricher:
            event = event_of(full_id, pid=pid, uid=4711)
            await reported(enricher, event)
            line = "jay:x:4711:4711::/:/bin/sh"
            await asyncio.to_thread(docker.docker, "exec", full_id, "sh", "-c", f"echo {line} > /etc/passwd")

            def renamed() -> bool:
                enricher.key(event)
                return bool(read(enricher, event, "user.name") == "jay")

            await until(renamed, "the new name is read")

    full_id = docker.begin()
    run(main(full_id, docker.pid(full_id)))
    docker.remove(full_id)


def test_a_container_that_links_its_users_to_a_file_of_the_host_does_not_get_it(docker: DockerEngine) -> None:
    full_id = docker.begin(options=("--pid", "host"))
    docker.docker("exec", full_id, "ln", "-sf", "/proc/1/root/etc/passwd", "/etc/passwd")
    found = run(asked(full_id, docker.pid(full_id), "user.name", uid=1))
    docker.remove(full_id)
    assert found == ["<NA>"]


def test_a_process_that_is_gone_leaves_the_container_without_names_until_another_is_seen(docker: DockerEngine) -> None:
    async def main(full_id: str, pid: int) -> list[Any]:
        async with enricher_of() as enricher:
            gone = event_of(full_id, pid=2**22 - 1, uid=4711)
            await reported(enricher, gone)
            before = read(enricher, gone, "user.name")
            alive = event_of(full_id, pid=pid, uid=4711)

            await reported(enricher, alive)
            return [before, read(enricher, alive, "user.name")]

    full_id = docker.begin()
    found = run(main(full_id, docker.pid(full_id)))
    docker.remove(full_id)
    assert found == ["<NA>", "magpie"]


def test_a_process_outside_the_container_is_no_way_into_it(docker: DockerEngine) -> None:
    """The pid was given to another process: names in that process's root are not the container's."""
    full_id = docker.begin()
    other = docker.begin()
    found = run(asked(full_id, docker.pid(other), "user.name", uid=4711))
    docker.remove(full_id, other)
    assert found == ["<NA>"]
