"""Containers that appear in and vanish from a directory of bundles."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from mozu.plugins.enrichers.containers.bundle_watch import BundleWatch
from mozu.plugins.enrichers.containers.regular_file import directories


class Folders:
    """Directories below a root, except `moby`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folders(self) -> list[str]:
        return sorted(filter(self.is_folder, directories(self.root)))

    def is_folder(self, name: str) -> bool:
        return name != "moby"

    def is_id(self, name: str) -> bool:
        return not name.startswith(".") and not name.endswith(".json")

    def ids(self, folder: str) -> list[str]:
        return sorted(filter(self.is_id, directories(self.root / folder)))


def reported(root: Path, number: int, act: Callable[[], None]) -> list[tuple[str, str]]:
    """Return the first reports of a watch; `act` is called after its first look."""
    seen: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def on_new(name: str) -> None:
        seen.put_nowait(("new", name))

    async def main() -> list[tuple[str, str]]:
        watch = BundleWatch(
            Folders(root), on_new, lambda name: seen.put_nowait(("end", name)),
            lambda names: seen.put_nowait(("list", " ".join(names))),
            on_made=lambda name: seen.put_nowait(("made", name)),
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watch.run())
            await watch.tried.wait()
            act()
            found = [await seen.get() for _ in range(number)]
            task.cancel()
        return found

    return asyncio.run(main())


def test_those_that_exist_are_listed_and_looked_up(tmp_path: Path) -> None:
    (tmp_path / "default/web1").mkdir(parents=True)
    (tmp_path / "moby/other").mkdir(parents=True)
    assert [("list", "web1"), ("new", "web1")] == reported(tmp_path, 2, lambda: None)


def test_those_that_come_and_go_are_reported(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()

    def act() -> None:
        (tmp_path / "default/web1").mkdir()
        (tmp_path / "default/web1").rmdir()

    found = reported(tmp_path, 4, act)
    assert [("list", ""), ("made", "web1")] == found[:2]
    assert {("new", "web1"), ("end", "web1")} == set(found[2:])


def test_what_a_runtime_renames_before_it_removes_it_is_no_container(tmp_path: Path) -> None:
    (tmp_path / "default/web1").mkdir(parents=True)

    def act() -> None:
        (tmp_path / "default/web1").rename(tmp_path / "default/.web1")

    assert [("list", "web1"), ("new", "web1"), ("end", "web1")] == reported(tmp_path, 3, act)


def test_a_folder_that_comes_later_is_watched_with_what_it_has_already(tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "production/web1").mkdir(parents=True)

    assert [("list", ""), ("new", "web1")] == reported(tmp_path, 2, act)


def test_a_root_that_comes_later_is_found(tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "state/default/web1").mkdir(parents=True)

    assert [("list", "web1"), ("new", "web1")] == reported(tmp_path / "state", 2, act)


def test_a_root_that_is_removed_and_made_anew_is_found_again(tmp_path: Path) -> None:
    root = tmp_path / "state"
    (root / "default/web1").mkdir(parents=True)

    def act() -> None:
        shutil.rmtree(root)
        (root / "default/web2").mkdir(parents=True)

    expected = [("list", "web1"), ("new", "web1"), ("end", "web1"), ("list", "web2"), ("new", "web2")]
    assert expected == reported(root, 5, act)


def test_a_file_that_is_written_anew_is_no_container(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def on_new(name: str) -> None:
        seen.put_nowait(f"new {name}")

    async def on_file(path: Path) -> None:
        seen.put_nowait(f"file {path.name}")

    async def main() -> list[str]:
        watch = BundleWatch(Folders(tmp_path), on_new, lambda _: None, lambda _: None, on_file)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watch.run())
            await watch.tried.wait()
            (tmp_path / "default" / "containers.json").touch()
            (tmp_path / "default" / "web1").mkdir()
            found = [await seen.get() for _ in range(2)]
            task.cancel()
        return found

    assert {"file containers.json", "new web1"} == set(asyncio.run(main()))
