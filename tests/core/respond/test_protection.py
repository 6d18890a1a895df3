"""Processes that are never acted on, and those that are only if named twice."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from mozu.core.api import AlertProcess, Container
from mozu.core.respond import protection as protecting
from mozu.core.respond.process_facts import ProcessFacts, process_facts
from mozu.core.respond.protection import Allowed, Protection

OTHER: Final = 1 << 22
"""Process id of another mozu."""
USER: Final = 65534
BUS: Final = 100
PROGRAM: Final = "/usr/bin/sleep"
"""Path of a program that only root can write to."""


@pytest.fixture
def child() -> Iterator[ProcessFacts]:
    """Yield a process of root on the host that does not appear as a child of mozu."""
    with subprocess.Popen([PROGRAM, "600"]) as process:
        found = process_facts(process.pid)
        assert found is not None
        yield msgspec.structs.replace(found, parent=1, uids=(0, 0, 0, 0), is_of_host=True)
        process.kill()


@pytest.fixture(autouse=True)
def cgroups(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """Return the map process → cgroup, which a test fills; the root cgroup if missing."""
    known: dict[int, str] = {}
    monkeypatch.setattr(protecting, "cgroups_of", lambda pid, proc: (("", known.get(pid, "/")),))
    return known


def protecting_program(**more: object) -> Protection:
    return Protection(**{"protected": [PROGRAM], "own": OTHER, **more})  # type: ignore[arg-type]  # by their names


def allowing(path: str = PROGRAM) -> Protection:
    return Protection(Allowed(executables=(path,)), protected=[], own=OTHER)


def test_an_ordinary_process_may_be_acted_on(child: ProcessFacts) -> None:
    assert Protection(own=OTHER).refusal(child) == ""


def test_process_1_kernel_threads_and_mozu_never_are(child: ProcessFacts) -> None:
    protection = Protection(own=os.getpid(), unprotected=[PROGRAM])
    first = msgspec.structs.replace(child, pid=1)
    kernel = msgspec.structs.replace(child, is_kernel_thread=True)
    mozu = msgspec.structs.replace(child, pid=os.getpid())
    own_child = msgspec.structs.replace(child, parent=os.getpid())
    assert [bool(protection.refusal(one, [PROGRAM])) for one in (first, kernel, mozu, own_child)] == [True] * 4


def test_what_mozu_was_started_by_is_not_acted_on_unless_it_is_another_users() -> None:
    parent = process_facts(os.getppid())
    assert parent is not None
    protection = Protection(own=os.getpid())
    assert "was started by" in protection.refusal(parent)
    assert protection.refusal(msgspec.structs.replace(parent, uids=(USER,) * 4)) == ""
    assert protection.refusal(msgspec.structs.replace(parent, start=parent.start + 10**7, uids=(USER,) * 4)) == ""


def test_a_protected_executable_is_acted_on_only_where_it_is_named_twice(child: ProcessFacts) -> None:
    named_once, named_in_respond = protecting_program(), protecting_program(unprotected=[PROGRAM])
    assert "is protected" in named_once.refusal(child)
    assert "is protected" in named_once.refusal(child, [PROGRAM])
    assert "is protected" in named_in_respond.refusal(child)
    assert named_in_respond.refusal(child, [PROGRAM]) == ""


IDENTITIES: Final = {
    "a user": (USER, USER, USER, USER),
    "a user of a set-user-ID program": (USER, 0, 0, 0),
    "one that could become a user again": (0, 0, USER, 0),
    "one whose files a user's are": (0, 0, 0, USER),
    "not known": (),
}


@pytest.mark.parametrize("who", IDENTITIES)
def test_an_executable_spares_no_process_that_has_another_identity_than_roots(child: ProcessFacts, who: str) -> None:
    theirs = msgspec.structs.replace(child, uids=IDENTITIES[who])
    assert [one.refusal(theirs) for one in (protecting_program(), allowing())] == ["", ""]


def test_an_executable_spares_no_process_of_other_namespaces(child: ProcessFacts) -> None:
    inside = msgspec.structs.replace(child, is_of_host=False)
    assert [one.refusal(inside) for one in (protecting_program(), allowing())] == ["", ""]


def test_an_executable_spares_no_process_in_the_cgroup_of_a_container(
    child: ProcessFacts, cgroups: dict[int, str]
) -> None:
    """Check with root in a container that has the host's pid namespace and its files."""
    cgroups[child.pid] = f"/system.slice/docker-{'ab' * 32}.scope"
    assert [one.refusal(child) for one in (protecting_program(), allowing())] == ["", ""]


@pytest.mark.parametrize(
    ("cgroup", "user", "is_protected"),
    [
        ("/system.slice/dbus.service", BUS, True),
        ("/system.slice/dbus.service", USER, False),
        ("/system.slice/apache2.service", BUS, False),
        ("/user.slice/user-1000.slice/user@1000.service/system.slice/dbus.service", BUS, False),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service", USER, False),
        ("/system.slice/dbus.service/below", BUS, False),
    ],
)
def test_the_system_bus_is_protected_in_its_service_and_no_bus_of_a_session(
    child: ProcessFacts, cgroups: dict[int, str], monkeypatch: pytest.MonkeyPatch, cgroup: str, user: int,
    is_protected: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(protecting, "_SERVICES", {"sleep": ("/system.slice/dbus.service", ("messagebus",))})
    monkeypatch.setattr(protecting, "_user_of", lambda name: BUS if name == "sleep" else 0)
    cgroups[child.pid] = cgroup
    bus = msgspec.structs.replace(child, uids=(user,) * 4)
    assert bool(protecting_program().refusal(bus)) is is_protected
    assert protecting_program(protected=["/usr/bin/cat"]).refusal(bus) == ""


def test_a_process_with_code_of_another_user_is_not_spared(
    child: ProcessFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protecting, "foreign_code", lambda facts, of_service, proc: "it runs code of /tmp/evil.so")
    assert [one.refusal(child) for one in (protecting_program(), allowing())] == ["", ""]


def test_a_name_alone_protects_nothing(child: ProcessFacts) -> None:
    named = msgspec.structs.replace(child, name="dockerd")
    assert Protection(protected=["/usr/bin/cat"], own=OTHER).refusal(named) == ""


def test_a_file_that_others_could_have_put_there_protects_nothing(tmp_path: Path) -> None:
    theirs = tmp_path / "tool"
    theirs.write_bytes(Path(PROGRAM).read_bytes())
    for mode in (0o775, 0o757):
        theirs.chmod(mode)
        assert {} == allowing(str(theirs)).executables_in_kernel()


def test_an_allowed_executable_is_spared_where_root_runs_it(child: ProcessFacts) -> None:
    assert f"executable {PROGRAM} is allowed" == allowing().refusal(child)


def test_a_process_of_root_whose_program_cannot_be_looked_at_is_not_acted_on(child: ProcessFacts) -> None:
    """Check that this does not protect a user's process, whose file system may not answer."""
    gone = msgspec.structs.replace(child, pid=OTHER - 1, thread=OTHER - 1)
    assert "cannot be looked at" in Protection(own=OTHER).refusal(gone)
    assert Protection(own=OTHER).refusal(msgspec.structs.replace(gone, uids=(USER,) * 4)) == ""


def test_the_kernel_has_root_alone_run_what_is_spared_but_for_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protecting, "_user_of", lambda name: BUS if name == "sleep" else 0)
    found = Protection(Allowed(executables=("/usr/bin/tail",)), protected=[PROGRAM, "/usr/bin/cat"], own=OTHER)
    assert [BUS, 0, 0] == list(found.executables_in_kernel().values())


def test_an_allowed_user_is_not_acted_on(child: ProcessFacts) -> None:
    assert "is allowed" in Protection(Allowed(users=(child.uid,)), own=OTHER).refusal(child)


def test_processes_that_are_spared_now_are_named_to_the_kernel(child: ProcessFacts) -> None:
    if os.getuid():  # in truth the child is root's
        assert child.pid not in protecting_program().spared_pids()
    else:
        assert child.start == protecting_program().spared_pids()[child.pid]


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
