"""Files of containers are read while the loop is held."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mozu.plugins.enrichers.containers.bundle_prefetch import BundlePrefetch
from tests.plugins.enrichers.containers.test_bundle_watch import Folders


@contextmanager
def prefetching(root: Path) -> Iterator[BundlePrefetch[str]]:
    """Yield a prefetch of ROOT/default/ID/config.json, which already watches."""
    (root / "default").mkdir(exist_ok=True)
    watching = threading.Event()

    class Watched(Folders):
        def ids(self, folder: str) -> list[str]:
            watching.set()
            return super().ids(folder)

    def read(full_id: str) -> tuple[str, bool] | None:
        path = root / "default" / full_id / "config.json"
        text = path.read_text() if path.exists() else ""
        return (text, not text.endswith("…")) if text else None  # empty: not written yet

    prefetch = BundlePrefetch(Watched(root), read)
    prefetch.start()
    assert watching.wait(20)
    try:
        yield prefetch
    finally:
        prefetch.stop()


def found(prefetch: BundlePrefetch[str], full_id: str, expected: str) -> bool:
    deadline = time.monotonic() + 20
    while prefetch.get(full_id) != expected and time.monotonic() < deadline:
        time.sleep(0.005)
    return prefetch.get(full_id) == expected


def test_what_is_gone_when_it_is_asked_for_was_read_in_time(tmp_path: Path) -> None:
    """Check without any running event loop."""
    with prefetching(tmp_path) as prefetch:
        place = tmp_path / "default" / "web1"
        place.mkdir()
        (place / "config.json").write_text("first")
        assert found(prefetch, "web1", "first")
        shutil.rmtree(place)
        assert "first" == prefetch.get("web1")


def test_what_was_read_of_files_that_are_gone_before_they_were_complete_is_kept(tmp_path: Path) -> None:
    with prefetching(tmp_path) as prefetch:
        place = tmp_path / "default" / "web1"
        place.mkdir()
        (place / "config.json").write_text("its first half…")
        assert found(prefetch, "web1", "its first half…")
        (place / "config.json").write_text("all of it")
        assert found(prefetch, "web1", "all of it")
        (tmp_path / "default" / "web2").mkdir()
        (tmp_path / "default" / "web2" / "config.json").write_text("half…")
        assert found(prefetch, "web2", "half…")
        shutil.rmtree(tmp_path / "default" / "web2")
        deadline = time.monotonic() + 20
        while prefetch._pending and time.monotonic() < deadline:
            time.sleep(0.005)
        assert ({}, "half…") == (prefetch._pending, prefetch.get("web2"))


def test_a_name_that_is_used_again_is_read_again(tmp_path: Path) -> None:
    with prefetching(tmp_path) as prefetch:
        for text in ("first", "second"):
            place = tmp_path / "default" / "web1"
            place.mkdir()
            (place / "config.json").write_text(text)
            assert found(prefetch, "web1", text)
            shutil.rmtree(place)


def test_a_root_that_is_removed_and_made_anew_is_watched_again(tmp_path: Path) -> None:
    root = tmp_path / "state"
    root.mkdir()
    with prefetching(root) as prefetch:
        shutil.rmtree(root)
        (root / "default").mkdir(parents=True)
        deadline, number = time.monotonic() + 20, 0
        while prefetch.get(f"web{number}") is None and time.monotonic() < deadline:
            number += 1  # bundles from before the watch are not read
            place = root / "default" / f"web{number}"
            place.mkdir()
            (place / "config.json").write_text("it")
            time.sleep(0.05)
        assert "it" == prefetch.get(f"web{number}")


def test_a_directory_whose_files_never_come_is_given_up(tmp_path: Path) -> None:
    with prefetching(tmp_path) as prefetch:
        (tmp_path / "default" / "empty").mkdir()
        deadline = time.monotonic() + 20
        while "empty" not in prefetch._pending and time.monotonic() < deadline:
            time.sleep(0.005)
        while prefetch._pending and time.monotonic() < deadline:
            time.sleep(0.005)
        assert ({}, None) == (prefetch._pending, prefetch.get("empty"))


def test_what_was_used_is_forgotten_until_its_name_is_used_again(tmp_path: Path) -> None:
    with prefetching(tmp_path) as prefetch:
        place = tmp_path / "default" / "web1"
        for text in ("first", "second"):
            place.mkdir()
            (place / "config.json").write_text(text)
            assert found(prefetch, "web1", text)
            prefetch.forget("web1")
            assert prefetch.get("web1") is None
            shutil.rmtree(place)
