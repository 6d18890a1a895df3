"""The field `evt.object`."""

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields.object import OBJECT
from tests.core.model.fields.making import connection, event, file, named, process


def shown(made: SyscallEvent) -> object:
    bound, free = OBJECT.reads(None, made.type), OBJECT.reads(None, None)
    assert bound is not None
    assert free is not None
    assert bound(made) == free(made)
    return bound(made)


def test_it_is_the_file_of_a_descriptor() -> None:
    assert shown(named("openat", fd=3, file=file("/etc/passwd"), name="passwd")) == "/etc/passwd"


def test_it_is_the_absolute_path_that_a_call_was_given() -> None:
    assert shown(named("unlink", path="x")) == "/home/mira/x"


def test_it_is_both_paths_of_a_rename() -> None:
    assert shown(named("rename", oldpath="/a", newpath="/b")) == "/a -> /b"


def test_it_is_both_ends_of_a_connection() -> None:
    assert shown(named("connect", fd=3, file=connection())) == connection().name


def test_it_is_the_command_line_of_a_program() -> None:
    made = named("execve", process=process(name="cat", args=("/etc/passwd",)))

    assert shown(made) == "cat /etc/passwd"


def test_it_is_the_path_as_given_if_the_call_has_no_other() -> None:
    assert shown(named("setxattr", path="bin/ping", name="security.capability")) == "bin/ping"


def test_it_is_the_name_of_a_call_whose_arguments_an_old_capture_lacks() -> None:
    assert shown(event("setxattr", 0)) == "setxattr"


@pytest.mark.parametrize("kind", ["setuid", "fsmount", "ptrace"])
def test_it_is_the_name_of_a_call_that_is_about_nothing(kind: str) -> None:
    assert shown(named(kind)) == kind


@pytest.mark.parametrize(
    ("kind", "needs"),
    [
        ("openat", {"cwd", "fds"}),
        ("rename", {"cwd", "fds"}),
        ("setuid", set()),
        ("connect", {"cwd", "fds", "names"}),
        ("setxattr", set()),
    ],
)
def test_a_type_needs_what_its_object_needs(kind: str, needs: set[str]) -> None:
    assert OBJECT.narrowed is not None
    assert OBJECT.narrowed(None, kind) == needs
