"""Files of opens, held before they are judged; this process itself takes the place of the task."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mozu.plugins.sources.ptrace.reading.held_open import HeldOpen, PathChangedError, hold
from mozu.plugins.sources.ptrace.reading.reader import TracedTask
from mozu.plugins.sources.ptrace.rights import OwnRights, Rights

SAME = Rights(0o22, 0o22)


@pytest.fixture
def no_descriptor_is_left() -> Iterator[None]:
    before = os.listdir("/proc/self/fd")
    yield
    assert before == os.listdir("/proc/self/fd")


def held(task: TracedTask, path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> HeldOpen:
    found = hold(task, None, str(path), flags, mode)
    assert found is not None
    return found


def content(found: HeldOpen, rights: Rights = SAME) -> bytes:
    descriptor = found.open(rights)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)
        found.close()


def error_of(act: Callable[[], object]) -> int | None:
    try:
        act()
    except OSError as error:
        return error.errno
    return None


@pytest.mark.usefixtures("no_descriptor_is_left")
def test_what_is_opened_is_what_was_held_whatever_has_its_name_now(task: TracedTask, file: Path) -> None:
    (file.parent / "link").symlink_to("file")
    found = held(task, file.parent / "link")
    file.rename(file.parent / "moved")
    file.write_text("another")

    assert str(file) == found.seen.path
    assert b"x" == content(found)


@pytest.mark.usefixtures("no_descriptor_is_left")
def test_what_would_be_made_is_made_where_it_was_judged(task: TracedTask, file: Path) -> None:
    (file.parent / "link").symlink_to("made")
    found = held(task, file.parent / "link", os.O_CREAT | os.O_RDWR, 0o606)

    assert str(file.parent / "made") == found.seen.path
    assert b"" == content(found, Rights(0o2, 0))
    assert 0o604 == stat.S_IMODE((file.parent / "made").stat().st_mode)


@pytest.mark.usefixtures("no_descriptor_is_left")
def test_what_another_makes_meanwhile_is_not_opened(task: TracedTask, file: Path) -> None:
    made = file.parent / "made"
    found = held(task, made, os.O_CREAT | os.O_RDWR)
    made.symlink_to(file)

    with pytest.raises(PathChangedError):
        found.open(SAME)
    found.close()


@pytest.mark.usefixtures("no_descriptor_is_left")
@pytest.mark.parametrize(
    ("path", "flags", "error"),
    [
        ("missing", os.O_RDONLY, errno.ENOENT),
        ("missing/below", os.O_CREAT, errno.ENOENT),
        ("missing/", os.O_CREAT, errno.EISDIR),
        ("file/", os.O_RDONLY, errno.ENOTDIR),
        ("file/below", os.O_RDONLY, errno.ENOTDIR),
        ("file", os.O_CREAT | os.O_EXCL, errno.EEXIST),
        (".", os.O_CREAT, errno.EISDIR),
        ("round", os.O_RDONLY, errno.ELOOP),
        ("link", os.O_NOFOLLOW, errno.ELOOP),
    ],
)
def test_an_open_that_fails_has_the_kernels_error(
    task: TracedTask, file: Path, path: str, flags: int, error: int
) -> None:
    (file.parent / "round").symlink_to("round")
    (file.parent / "link").symlink_to("file")
    kernel = error_of(lambda: os.open(f"{file.parent}/{path}", flags))
    own = error_of(lambda: hold(task, str(file.parent), path, flags, 0o666))
    assert (error, error) == (kernel, own)


@pytest.mark.usefixtures("no_descriptor_is_left")
def test_what_only_the_task_can_open_is_not_held(task: TracedTask, file: Path) -> None:
    os.mkfifo(file.parent / "fifo")
    assert hold(task, str(file.parent), "fifo", os.O_RDONLY, 0) is None
    assert hold(task, None, "/proc/self/mem", os.O_RDONLY, 0) is None
    assert hold(task, None, str(file), os.O_PATH, 0) is None


def test_a_process_of_the_same_user_has_the_same_rights_and_its_own_umask() -> None:
    before = os.umask(0o31)
    try:
        found = OwnRights().shared_by(os.getpid())
    finally:
        os.umask(before)
    assert Rights(0o31, 0o31) == found


def test_a_process_of_another_user_or_with_other_capabilities_has_other_rights() -> None:
    assert OwnRights().shared_by(1) is None


def test_a_process_that_has_ended_has_none() -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    assert OwnRights().shared_by(child) is None
