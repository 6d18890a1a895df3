"""Health checks and probes: processes that entered a container from outside and run the command it declares."""

import pytest

from mozu.core.model.containers.fields import container_readers
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Container, Process, SyscallEvent, Task

INSIDE = Container("a" * 64, "docker")
SHELL = ("CMD-SHELL", "curl -f localhost || exit 1")


def process(
    tid: int, exe: str, *args: str, parent: Process | None = None, inside: bool = True, vpid: int = 7
) -> Process:
    made = Process(
        Task(tid), tid, tid, None if parent is None else parent.task, exe=exe, args=args, vpid=vpid,
        container=INSIDE if inside else None,
    )  # fmt: skip
    made.task.newest = made
    return made


SHIM = process(1, "containerd-shim", inside=False)
INIT = process(2, "server", parent=SHIM, vpid=1)


def is_check(by: Process, check: tuple[str, ...] | None, *, host_pid: bool = False) -> object:
    metadata = ContainerMetadata(full_id="a" * 64, healthcheck=check, host_pid=host_pid)
    readers = container_readers({"a" * 64: metadata}.get)
    return readers["proc.is_container_healthcheck"](None)(SyscallEvent("syscall", "openat", 1, 5, process=by))


def test_the_shell_that_a_runtime_runs_and_all_that_it_begins_is_the_check() -> None:
    shell = process(10, "/bin/sh", "-c", SHELL[1], parent=SHIM)
    curl = process(11, "curl", "-f", "localhost", parent=shell)
    assert [True, True] == [is_check(shell, SHELL), is_check(curl, SHELL)]


def test_a_shell_that_has_become_its_command_still_is() -> None:
    assert is_check(process(10, "curl", "-f", "localhost", parent=SHIM), ("CMD-SHELL", "curl -f localhost")) is True


@pytest.mark.parametrize("words", [("CMD", "probe", "--now"), ("probe", "--now")], ids=["docker", "ExecSync"])
def test_a_command_without_a_shell_is_compared_word_by_word(words: tuple[str, ...]) -> None:
    assert is_check(process(10, "probe", "--now", parent=SHIM), words) is True
    assert is_check(process(10, "probe", "--later", parent=SHIM), words) is False


def test_the_same_command_run_by_the_container_itself_is_not() -> None:
    below = process(10, "/bin/sh", "-c", SHELL[1], parent=INIT)
    assert [False, False] == [is_check(below, SHELL), is_check(INIT, ("CMD", "server"))]


def test_docker_exec_of_something_else_is_not() -> None:
    assert is_check(process(10, "/bin/sh", parent=SHIM), SHELL) is False


def test_without_a_check_nothing_is_and_what_is_not_known_is_missing() -> None:
    shell = process(10, "/bin/sh", "-c", SHELL[1], parent=SHIM)
    assert [False, None] == [is_check(shell, ()), is_check(shell, None)]


def test_where_an_orphan_could_stand_beside_the_first_process_nothing_is_said() -> None:
    assert is_check(process(10, "/bin/sh", "-c", SHELL[1], parent=SHIM), SHELL, host_pid=True) is None


def test_the_host_runs_no_checks() -> None:
    assert is_check(process(10, "probe", inside=False), ("CMD", "probe")) is False


def test_a_sandbox_is_known_as_such_and_the_engine_that_answered() -> None:
    of = {
        "s": ContainerMetadata(full_id="s", sandbox_id="s", runtime="cri"),
        "c": ContainerMetadata(full_id="c", sandbox_id="s", runtime="containerd"),
        "plain": ContainerMetadata(full_id="plain"),
    }
    readers = container_readers(of.get)

    def read(full_id: str, field: str) -> object:
        made = process(5, "x")
        made.container = Container(full_id, "containerd")
        return readers[field](None)(SyscallEvent("syscall", "openat", 1, 5, process=made))

    assert [True, False, False] == [read(one, "container.is_pod_sandbox") for one in of]
    assert ["cri", "containerd", None] == [read(one, "container.engine") for one in of]
