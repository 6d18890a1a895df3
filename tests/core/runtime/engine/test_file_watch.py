"""The file watch: any kind of change is noticed once, and an act that changes nothing is not."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mozu.core.runtime.engine.file_content import contents_of
from mozu.core.runtime.engine.file_watch import FileWatch

PATIENCE = 20.0


class Watched:
    """A watch on some places, for one scenario."""

    def __init__(self, *places: Path) -> None:
        self._places, self._changed = places, asyncio.Event()
        self.count = 0
        self.watch = FileWatch(self._noticed)

    def _noticed(self) -> None:
        self.count += 1
        self._changed.set()

    async def notices(self) -> None:
        """Wait until a change has been noticed."""
        async with asyncio.timeout(PATIENCE):
            await self._changed.wait()
        self._changed.clear()

    async def settles(self) -> None:
        """Wait until no comparison is due any more."""
        while self.watch._timer is not None:
            await asyncio.sleep(0.01)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> int:
        """Return how many changes the scenario has caused."""

        async def main() -> None:
            self.watch.use(contents_of(self._places))
            await self.settles()
            try:
                await scenario()
            finally:
                self.watch.close()

        asyncio.run(main())
        return self.count


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    found = tmp_path / "etc/mozu.yaml"
    found.write_text("one")
    return found


def _in_place(file: Path) -> None:
    file.write_text("two")


def _by_rename(file: Path) -> None:
    fresh = file.with_name(".mozu.yaml.swp")
    fresh.write_text("two")
    fresh.rename(file)


def _by_link(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("two")
    file.unlink()
    file.symlink_to("other")


def _by_folder(file: Path) -> None:
    fresh = file.parent.with_name("fresh")
    shutil.copytree(file.parent, fresh)
    (fresh / file.name).write_text("two")
    file.parent.rename(file.parent.with_name("old"))
    fresh.rename(file.parent)


def _touch(file: Path) -> None:
    """Change all but the content of the file, and neighbours that are not read."""
    file.write_text("one")
    file.chmod(0o600)
    os.utime(file)
    (file.parent / "notes.txt").write_text("something else")
    (file.parent / ".hidden.yaml").write_text("an editor's")


def _gone(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [_in_place, _by_rename, _by_link, _by_folder, _gone])
def test_a_change_is_noticed_once_however_it_is_made(file: Path, change: Callable[[Path], None]) -> None:
    watched = Watched(file)

    async def scenario() -> None:
        change(file)
        await watched.notices()
        await watched.settles()

    assert 1 == watched.run(scenario)


def test_a_config_map_is_noticed_by_the_link_that_is_replaced(tmp_path: Path) -> None:
    def publish(version: int) -> None:
        data = tmp_path / f"..{version}"
        data.mkdir()
        (data / "mozu.yaml").write_text(str(version))
        fresh = tmp_path / "..data_tmp"
        fresh.symlink_to(data.name)
        fresh.rename(tmp_path / "..data")

    publish(1)
    (tmp_path / "mozu.yaml").symlink_to("..data/mozu.yaml")
    watched = Watched(tmp_path / "mozu.yaml")

    async def scenario() -> None:
        for version in (2, 3):
            publish(version)
            await watched.notices()
            shutil.rmtree(tmp_path / f"..{version - 1}")
            await watched.settles()

    assert 2 == watched.run(scenario)


def test_files_that_come_into_a_directory_are_noticed_and_so_is_a_directory_that_comes(tmp_path: Path) -> None:
    rules, watched = tmp_path / "etc/rules.d", Watched(tmp_path / "etc/rules.d")

    async def scenario() -> None:
        rules.mkdir(parents=True)
        (rules / "a.yaml").write_text("a")
        await watched.notices()
        await watched.settles()
        (rules / "a.yaml").write_text("b")
        await watched.notices()

    assert 2 == watched.run(scenario)


def test_what_leaves_the_content_as_it_is_is_no_change(file: Path) -> None:
    watched = Watched(file, file.parent)

    async def scenario() -> None:
        _touch(file)
        await watched.settles()
        _in_place(file)
        await watched.notices()

    assert 1 == watched.run(scenario)


def test_a_change_while_the_files_are_read_is_noticed_afterwards(file: Path) -> None:
    watched = Watched(file)

    async def scenario() -> None:
        read = contents_of([file])
        _in_place(file)  # after the reload has read `one`
        watched.watch.use(read)
        await watched.notices()

    assert 1 == watched.run(scenario)
