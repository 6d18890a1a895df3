"""What is never acted on, and what is only where it is named twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from mozu.core.api import AlertProcess, Container
from mozu.core.respond.process_facts import Executable, ProcessFacts, process_facts
from mozu.core.respond.protection import Allowed, Protection


@pytest.fixture
def child() -> Iterator[ProcessFacts]:
    """A process, seen as one that is no child of mozu."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        found = process_facts(process.pid)
        assert found is not None
        yield msgspec.structs.replace(found, parent=1)
        process.kill()


def by_root(facts: ProcessFacts) -> ProcessFacts:
    """As if only root could have put its executable there."""
    assert facts.executable is not None
    trusted = msgspec.structs.replace(facts.executable, owner=0, others_write=False)
    return msgspec.structs.replace(facts, executable=trusted)


def test_an_ordinary_process_may_be_acted_on(child: ProcessFacts) -> None:
    assert Protection(own=1 << 22).refusal(child) == ""


def test_process_1_kernel_threads_and_mozu_never_are(child: ProcessFacts) -> None:
    protection = Protection(own=os.getpid(), unprotected=[sys.executable])
    first = msgspec.structs.replace(child, pid=1)
    kernel = msgspec.structs.replace(child, is_kernel_thread=True)
    mozu = msgspec.structs.replace(child, pid=os.getpid())
    own_child = msgspec.structs.replace(child, parent=os.getpid())
    assert [bool(protection.refusal(one, [sys.executable])) for one in (first, kernel, mozu, own_child)] == [True] * 4


def test_what_mozu_was_started_by_is_not_acted_on() -> None:
    parent = process_facts(os.getppid())
    assert parent is not None
    assert "was started by" in Protection(own=os.getpid()).refusal(parent)


def test_a_protected_executable_is_acted_on_only_where_it_is_named_twice(child: ProcessFacts) -> None:
    one, path = by_root(child), sys.executable
    named_once = Protection(protected=[path], own=1 << 22)
    named_in_respond = Protection(protected=[path], unprotected=[path], own=1 << 22)
    assert "is protected" in named_once.refusal(one)
    assert "is protected" in named_once.refusal(one, [path])
    assert "is protected" in named_in_respond.refusal(one)
    assert named_in_respond.refusal(one, [path]) == ""


def test_an_executable_that_others_could_have_put_there_protects_nothing(child: ProcessFacts) -> None:
    assert child.executable is not None
    theirs = msgspec.structs.replace(child.executable, owner=1000)
    protection = Protection(Allowed(executables=(sys.executable,)), protected=[sys.executable], own=1 << 22)
    assert protection.refusal(msgspec.structs.replace(child, executable=theirs)) == ""


def test_a_name_alone_protects_nothing(child: ProcessFacts) -> None:
    other = msgspec.structs.replace(by_root(child), name="dockerd", executable=Executable(1, 2, 0, False))
    assert Protection(protected=[sys.executable], own=1 << 22).refusal(other) == ""


PARENT: Final = 77


def parent_in(proc: Path, uid: int, executable: str) -> Path:
    """A /proc with one process, which runs this."""
    own = proc / str(PARENT)
    own.mkdir()
    (own / "stat").write_text(f"{PARENT} (made) S 1 77 77 0 -1 0 " + "0 " * 12 + "100 0\n")
    (own / "status").write_text(f"Name:\tmade\nUid:\t{uid}\t0\t0\t0\n")
    (own / "exe").symlink_to(executable)
    return proc


@pytest.mark.parametrize(
    ("uid", "parent", "is_protected"),
    [
        (0, (1000, "/bin/sh"), True),  # root runs it
        (1000, (0, sys.executable), True),  # sshd of root has made the sshd of a session
        (1000, (1000, sys.executable), False),  # a user has started it, and has put it into the group of the process
        (1000, (0, "/bin/sh"), False),
    ],
)
def test_what_any_user_may_start_shields_no_process_beside_it(
    tmp_path: Path, child: ProcessFacts, uid: int, parent: tuple[int, str], is_protected: bool
) -> None:
    protection = Protection(protected=[sys.executable], own=1 << 22, proc=parent_in(tmp_path, *parent))
    facts = msgspec.structs.replace(by_root(child), uid=uid, parent=PARENT)
    assert bool(protection.refusal(facts, is_subject=False)) is is_protected
    assert protection.refusal(facts)


def test_an_allowed_executable_counts_on_the_host_only(child: ProcessFacts) -> None:
    protection = Protection(Allowed(executables=(sys.executable,)), protected=[], own=os.getpid())
    elsewhere = msgspec.structs.replace(by_root(child), mount_namespace="mnt:[1]")
    assert "is allowed" in protection.refusal(by_root(child))
    assert protection.refusal(elsewhere) == ""


@pytest.mark.parametrize(
    ("uid", "ran", "is_spared"), [(1000, "/tmp/evil", False), (1000, "", True), (0, "/tmp/x", True)]
)
def test_a_program_that_was_executed_after_the_event_shields_no_user(
    child: ProcessFacts, uid: int, ran: str, is_spared: bool
) -> None:
    own = 1 << 22
    facts = msgspec.structs.replace(by_root(child), uid=uid)
    protected, allowed = Protection(protected=[sys.executable], own=own), Allowed(executables=(sys.executable,))

    for protection in (protected, Protection(allowed, protected=[], own=os.getpid())):
        assert bool(protection.refusal(facts, ran=ran)) is is_spared
        assert protection.refusal(facts, ran=facts.exepath)


def test_a_process_whose_program_cannot_be_looked_at_is_not_acted_on(child: ProcessFacts) -> None:
    unknown = msgspec.structs.replace(child, executable=None)
    assert "cannot be looked at" in Protection(own=1 << 22).refusal(unknown)


def test_an_allowed_user_is_not_acted_on(child: ProcessFacts) -> None:
    assert "is allowed" in Protection(Allowed(users=(child.uid,)), own=1 << 22).refusal(child)


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        (Allowed(containers=("web",)), True),
        (Allowed(containers=("0123456789ab",)), True),
        (Allowed(containers=("0123",)), False),
        (Allowed(namespaces=("kube-system",)), True),
        (Allowed(containers=("db",), namespaces=("default",)), False),
    ],
)
def test_allowed_containers(allowed: Allowed, refused: bool) -> None:
    container = Container("0123456789abcdef" * 4, "docker")
    process = AlertProcess(7, container=container)
    found = Protection(allowed, protected=[]).container_refusal(process, ["web", "nginx"], "kube-system")
    assert bool(found) is refused


def test_facts_of_a_process_that_is_not_there(tmp_path: Path) -> None:
    assert process_facts(7, tmp_path) is None
