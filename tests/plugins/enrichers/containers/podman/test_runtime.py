"""The podman runtime, following the storage."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.podman import files
from mozu.plugins.enrichers.containers.podman.runtime import PodmanRuntime
from mozu.plugins.enrichers.containers.settings import PodmanSettings
from tests.plugins.enrichers.actors import until
from tests.plugins.enrichers.containers.podman.test_files import ID, SPEC, put

USER = 65534


class Context:
    """A context that collects the runtime's reports. If it is `starved`, no thread answers in time."""

    def __init__(self, *, starved: bool = False) -> None:
        self.log, self.starved = logging.getLogger("test"), starved
        self.made: dict[str, ContainerMetadata] = {}

    async def off_loop(self, call: Callable[[], Any], lane: str = "") -> Any:
        if self.starved and getattr(call, "args", ())[:1] == (ID,):
            raise TimeoutError
        return call()

    async def appeared(self, full_id: str) -> None:
        """Do nothing: the container's first event comes later."""

    def created(self, metadata: ContainerMetadata) -> None:
        self.made[metadata.full_id] = metadata

    def ended(self, full_id: str, last: ContainerMetadata | None = None) -> None:
        """Do nothing at the container's end."""

    def answered(self, by: str) -> None:
        """Do nothing when a look-up is answered."""


def watches(folder: Path) -> int:
    """Return how many inotify instances of this process watch the folder (proc(5), fdinfo of inotify)."""
    mark, count = f" ino:{folder.stat().st_ino:x} ", 0
    for descriptor in Path("/proc/self/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            count += mark in descriptor.read_text()
    return count


def watched(storage: Path, context: Context, act: Callable[[PodmanRuntime], Coroutine[Any, Any, None]]) -> None:
    """Call `act` while the storage is followed."""

    async def main() -> None:
        settings = PodmanSettings(storage=(str(storage),))
        runtime = PodmanRuntime(settings, lambda name, timeout: context)  # type: ignore[arg-type,return-value]
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(runtime.watch())
            await runtime.tried.wait()
            try:
                await act(runtime)
            finally:
                watching.cancel()
                await runtime.close()

    asyncio.run(main())


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    (tmp_path / "overlay-containers").mkdir()
    return tmp_path


def test_one_that_is_gone_before_its_first_event_is_known(storage: Path) -> None:
    context = Context()

    async def act(runtime: PodmanRuntime) -> None:
        await until(lambda: watches(storage / "overlay-containers") == 2, "loop and thread watch the folder")
        shutil.rmtree(storage / "overlay-containers")
        put(storage, ID, spec=SPEC)
        await until(lambda: ID in context.made, "it is listed")
        shutil.rmtree(storage / "overlay-containers")
        found = await runtime.fetch(ID)
        assert found is not None
        assert found.name == "web"

    watched(storage, context, act)


def test_where_no_thread_answers_its_name_is_there_all_the_same(storage: Path) -> None:
    context = Context(starved=True)

    async def act(runtime: PodmanRuntime) -> None:
        await until(lambda: watches(storage / "overlay-containers") == 2, "loop and thread watch the folder")
        shutil.rmtree(storage / "overlay-containers")
        put(storage, ID, spec=SPEC)
        await until(lambda: ID in context.made, "it is read")
        found = await runtime.fetch(ID)
        assert found is not None
        assert found.name == "web"

    watched(storage, context, act)


def test_storage_of_a_user_is_not_followed_and_speaks_of_that_users_containers(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "owner_of", lambda path: USER)
    context = Context()

    async def act(runtime: PodmanRuntime) -> None:
        shutil.rmtree(storage / "overlay-containers")
        put(storage, ID, spec=SPEC)
        own = await runtime.fetch(ID, USER)
        assert own is not None
        assert (own.owner, await runtime.fetch(ID), await runtime.fetch(ID, 1000)) == (USER, None, None)

    watched(storage, context, act)
    assert context.made == {}
