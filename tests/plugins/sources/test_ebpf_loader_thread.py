"""The thread that works on a loader: no call reaches a closed loader, and none is left open."""

import asyncio
import threading
from typing import cast

import pytest

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.loader_thread import LoaderThread


class Loads:
    """Loader with only the methods that are called here."""

    def __init__(self) -> None:
        self.closed = self.filtered = False
        self.may_end = threading.Event()

    def attach(self) -> str:
        assert self.may_end.wait(60)
        assert not self.closed, "its descriptors may be those of others by now"
        return "attached"

    def close(self) -> None:
        self.closed = True


async def made(loads: Loads) -> LoaderThread:
    thread = LoaderThread()
    await thread.make(lambda: cast("Loader", loads))
    return thread


def attach(loader: Loader) -> str:
    return cast("Loads", loader).attach()


def test_the_end_waits_for_the_call_under_way_and_later_calls_are_refused() -> None:
    async def main() -> None:
        loads = Loads()
        thread = await made(loads)
        attaching = asyncio.ensure_future(thread.run(attach))
        await asyncio.sleep(0)
        ending = asyncio.ensure_future(thread.end())
        await asyncio.sleep(0)
        assert not loads.closed
        loads.may_end.set()
        assert "attached" == await attaching
        await ending
        assert loads.closed

    asyncio.run(main())


def test_a_call_that_comes_after_the_end_was_asked_for_names_the_reason() -> None:
    async def main() -> None:
        loads = Loads()
        thread = await made(loads)
        ending = asyncio.ensure_future(thread.end())
        calling = asyncio.ensure_future(thread.run(attach))
        await ending
        with pytest.raises(SourceUnavailable, match="was stopped before its programs were exchanged"):
            await asyncio.wait_for(calling, 60)

    asyncio.run(main())


def test_a_loader_whose_start_is_given_up_while_it_is_made_is_closed() -> None:
    async def main() -> None:
        loads, thread = Loads(), LoaderThread()

        def make() -> Loader:
            assert loads.may_end.wait(60)
            return cast("Loader", loads)

        starting = asyncio.ensure_future(thread.make(make))
        await asyncio.sleep(0)
        starting.cancel()
        ending = asyncio.ensure_future(thread.end())
        loads.may_end.set()
        await ending
        assert loads.closed

    asyncio.run(main())


def test_what_is_posted_by_a_caller_that_is_given_up_comes_before_what_follows() -> None:
    async def main() -> None:
        loads = Loads()
        loads.may_end.set()
        thread = await made(loads)
        thread.post(lambda loader: setattr(loader, "filtered", True))
        assert await thread.run(lambda loader: cast("Loads", loader).filtered)
        await thread.end()
        thread.post(attach)

    asyncio.run(main())
