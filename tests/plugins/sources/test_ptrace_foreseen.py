"""Effects that a call would have, looked up in the place of the task, which is this process itself here."""

import errno
import os
from pathlib import Path

import pytest

from mozu.plugins.sources.ptrace.reading.foreseen import look_up
from mozu.plugins.sources.ptrace.reading.reader import TracedTask


def test_links_are_followed_relative_and_absolute(task: TracedTask, file: Path) -> None:
    (file.parent / "near").symlink_to("file")
    (file.parent / "far").symlink_to(file.parent / "near")

    seen = look_up(task, str(file.parent), "./far")

    assert seen.found is not None
    assert (str(file), file.stat().st_ino, 0) == (seen.path, seen.found.st_ino, seen.error)


def test_a_directory_that_is_left_again_is_no_step(task: TracedTask, file: Path) -> None:
    assert str(file) == look_up(task, None, f"{file.parent}/../{file.parent.name}//./file").path


def test_a_last_link_is_not_followed_where_the_call_does_not(task: TracedTask, file: Path) -> None:
    (file.parent / "near").symlink_to("file")
    assert str(file.parent / "near") == look_up(task, str(file.parent), "near", follow=False).path


def test_links_of_proc_self_are_those_of_the_task(task: TracedTask, file: Path) -> None:
    with file.open() as opened:
        place = f"/proc/self/fd/{opened.fileno()}"
        found = [look_up(task, None, path).path for path in (place, f"/proc/self/root{file}")]
        assert [str(file)] * 2 == found


def test_a_file_without_a_path_is_found_by_its_descriptor(task: TracedTask, file: Path) -> None:
    with file.open() as opened:
        file.unlink()
        file.write_text("another")
        seen = look_up(task, None, f"/dev/fd/{opened.fileno()}")
        assert seen.found is not None
        assert (os.fstat(opened.fileno()).st_ino, 0) == (seen.found.st_ino, seen.error)


def test_a_memfd_is_found_and_named(task: TracedTask) -> None:
    memory = os.memfd_create("made")
    seen = look_up(task, None, f"/proc/self/fd/{memory}")
    os.close(memory)
    assert ("/memfd:made", 0) == (seen.path, seen.error)


@pytest.mark.parametrize(
    ("path", "error"),
    [("missing", errno.ENOENT), ("file/below", errno.ENOTDIR), ("round", errno.ELOOP), ("", errno.ENOENT)],
)
def test_what_is_not_there_has_the_kernels_error(task: TracedTask, file: Path, path: str, error: int) -> None:
    (file.parent / "round").symlink_to("round")
    seen = look_up(task, str(file.parent), path)
    assert (None, -error) == (seen.found, seen.error)
