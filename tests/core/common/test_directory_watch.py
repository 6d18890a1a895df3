"""Names that appear in and vanish from directories."""

import asyncio
from pathlib import Path

import pytest

from mozu.core.common.directory_watch import DirectoryWatch


async def changes(directory: Path, number: int, act: object) -> list[tuple[str, bool]]:
    seen: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
    watch = DirectoryWatch(lambda path, is_there: seen.put_nowait((path.name, is_there)), lambda: None)
    watch.open()
    watch.add(directory)
    assert callable(act)
    act()
    found = [await seen.get() for _ in range(number)]
    watch.close()
    return found


def test_what_appears_and_what_vanishes_is_reported_in_order(tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "one").mkdir()
        (tmp_path / "one").rename(tmp_path / "two")
        (tmp_path / "two").rmdir()

    expected = [("one", True), ("one", False), ("two", True), ("two", False)]
    assert expected == asyncio.run(changes(tmp_path, 4, act))


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async def main() -> None:
        watch = DirectoryWatch(lambda *_: None, lambda: None)
        watch.open()
        try:
            watch.add(tmp_path / "none")
        finally:
            watch.close()

    with pytest.raises(FileNotFoundError):
        asyncio.run(main())
