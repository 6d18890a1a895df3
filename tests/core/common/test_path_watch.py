"""The path watch: the appearance of a wanted path is noticed, step by step, and nothing else is."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.common.directory_watch import DirectoryWatch
from mozu.core.common.path_watch import PathWatch

PATIENCE = 20.0


def looked_for(patterns: list[str], is_there: Callable[[], bool], act: Callable[[], None]) -> int:
    """Return the number of looks until the wanted path was there; `act` makes it, after the first look."""

    async def main() -> int:
        looks = 0
        loop = asyncio.get_running_loop()
        with closing(PathWatch()) as watch:
            while True:
                watch.renew()
                watch.add(patterns)
                looks += 1
                if is_there():
                    return looks
                if looks == 1:
                    loop.call_soon(act)
                began = loop.time()
                await watch.wait(PATIENCE)
                assert loop.time() - began < PATIENCE, "it was noticed"

    return asyncio.run(main())


def test_a_directory_that_comes_is_noticed_with_all_that_leads_to_it(tmp_path: Path) -> None:
    wanted = tmp_path / "run/heron/state"

    assert looked_for([str(wanted)], wanted.is_dir, lambda: wanted.mkdir(parents=True)) >= 2


def test_storage_of_a_user_who_is_new_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    wanted = tmp_path / "home/new/storage"

    assert looked_for([f"{tmp_path}/home/*/storage"], wanted.is_dir, lambda: wanted.mkdir(parents=True)) >= 2


def test_what_has_another_name_is_not_noticed(tmp_path: Path) -> None:
    async def main() -> bool:
        with closing(PathWatch()) as watch:
            watch.renew()
            watch.add([f"{tmp_path}/heron"])
            (tmp_path / "shrike").touch()
            wait = asyncio.ensure_future(watch.wait(PATIENCE))
            seen = asyncio.Event()
            other = DirectoryWatch(lambda *_: seen.set(), lambda: None)
            other.open()
            other.add(tmp_path)
            (tmp_path / "wren").touch()
            await seen.wait()  # later than the first change, which the loop has processed by then
            ended = wait.done()
            (tmp_path / "heron").touch()
            await wait
            other.close()
            return ended

    assert not asyncio.run(main())


def test_without_inotify_a_wait_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: DirectoryWatch) -> None:
        raise OSError("no instance is left")

    async def main() -> None:
        with closing(PathWatch()) as watch:
            watch.renew()
            watch.add([str(tmp_path / "heron")])
            await watch.wait(0.001)

    monkeypatch.setattr(DirectoryWatch, "open", refuse)
    asyncio.run(main())
