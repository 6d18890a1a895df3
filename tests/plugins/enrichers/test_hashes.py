"""The enricher `hashes`."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.api import SyscallEvent
from mozu.core.testing import context, event, process
from mozu.plugins.enrichers.hashes import Hashes, HashesSettings, mozu_components

_SLEEP: Final = Path("/bin/sleep").resolve()


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Yield a copy of a program, and a process that executes it."""
    copy = tmp_path / "sleep"
    copy.write_bytes(_SLEEP.read_bytes())
    copy.chmod(0o755)
    with subprocess.Popen([copy, "60"]) as child:
        yield copy, child
        child.kill()


def executed(path: Path, pid: int, **more: Any) -> SyscallEvent:
    found = path.stat()
    known = {"exe_ino": found.st_ino, "exe_ctime": found.st_ctime_ns, "exepath": str(path), **more}
    return event("execve", process=process(pid=pid, tid=pid, **known))


def hash_of(about: SyscallEvent, **settings: Any) -> Any:
    """Return the field's value after its look-up."""

    async def ask() -> Any:
        enricher = Hashes(HashesSettings(**settings), context("hashes"))
        key = enricher.key(about)
        assert key is not None
        assert not enricher.known(key)
        await enricher.resolve(key)
        assert enricher.known(key)
        await enricher.stop()
        return enricher.readers()["proc.exe_hash"](None)(about)

    return asyncio.run(ask())


def test_it_is_the_sha256_of_the_file_that_runs(sleeping: tuple[Path, subprocess.Popen[bytes]]) -> None:
    path, child = sleeping
    assert sha256(path.read_bytes()).hexdigest() == hash_of(executed(path, child.pid))


def test_a_file_that_has_taken_its_place_is_not_read(sleeping: tuple[Path, subprocess.Popen[bytes]]) -> None:
    path, child = sleeping
    about, expected = executed(path, child.pid), sha256(path.read_bytes()).hexdigest()
    other = path.with_name("other")
    other.write_text("another program")
    inode = path.stat().st_ino
    os.link(path, path.with_name("kept"))
    os.replace(other, path)

    found = hash_of(about)

    assert path.stat().st_ino != inode
    assert found in (None, expected)  # a link changes the ctime; the running file is read, or none


@pytest.mark.parametrize("other", [{"exe_ino": 1}, {"exe_ctime": 1}])
def test_a_process_that_executes_another_file_by_now_has_no_hash(
    other: dict[str, int], sleeping: tuple[Path, subprocess.Popen[bytes]]
) -> None:
    path, child = sleeping
    assert hash_of(executed(path, child.pid, **other)) is None


def test_a_file_that_is_too_large_is_not_read(sleeping: tuple[Path, subprocess.Popen[bytes]]) -> None:
    path, child = sleeping
    assert hash_of(executed(path, child.pid), max_size=100) is None


def test_a_process_that_has_ended_is_an_error_that_the_core_counts(
    sleeping: tuple[Path, subprocess.Popen[bytes]],
) -> None:
    path, child = sleeping
    about = executed(path, child.pid)
    child.kill()
    child.wait()
    with pytest.raises(FileNotFoundError, match="exe"):
        hash_of(about)


def test_a_file_system_that_never_answers_costs_a_deadline_and_not_the_event_loop(
    sleeping: tuple[Path, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, child = sleeping
    hung, order = threading.Event(), list[str]()
    monkeypatch.setattr(Hashes, "_read", lambda *_: hung.wait())

    async def turn() -> None:
        await asyncio.sleep(0.01)
        order.append("another task")

    async def resolve() -> None:
        enricher = Hashes(HashesSettings(seconds=0.3), context("hashes"))
        key = enricher.key(executed(path, child.pid))
        assert key is not None
        with pytest.raises(TimeoutError):
            await enricher.resolve(key)
        order.append("the deadline")

    async def both() -> None:
        await asyncio.gather(resolve(), turn())

    asyncio.run(both())
    hung.set()
    assert order == ["another task", "the deadline"]


def test_processes_of_one_file_share_its_hash_and_others_do_not(tmp_path: Path) -> None:
    enricher = Hashes(HashesSettings(), context("hashes"))
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    first, second = (enricher.key(executed(tmp_path / "a", pid)) for pid in (7, 8))
    assert first == second != enricher.key(executed(tmp_path / "b", 7))


@pytest.mark.parametrize("known", [{"exe_ino": 0}, {"exe_ctime": 0}])
def test_without_an_inode_nothing_is_looked_for(known: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    assert Hashes(HashesSettings(), context("hashes")).key(executed(tmp_path / "a", 7, **known)) is None


def test_only_rules_that_name_the_field_wait_for_it() -> None:
    (field,) = mozu_components().fields
    assert ("proc.exe_hash", frozenset({"tree"})) == (field.name, field.needs)
