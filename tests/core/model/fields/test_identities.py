"""Identities of processes: the same in each run, and different for each process of all machines."""

from typing import Any

import pytest

from mozu.core.model.event import Container, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.entities import ProcessEntities
from mozu.core.model.fields.lookups import Lookups
from mozu.core.testing import event, process
from tests.core.state.story import Story

HOST, BOOT = "a" * 32, "b1"
TICK = 10_000_000


def identity(host: str = HOST, boot: str = BOOT, *, pid: int = 7, start: int = 5 * TICK, offset: int = 0) -> str | None:
    return ProcessEntities(host, boot, boot_offset=offset).of(process(pid=pid, boot_start=start))


def test_it_is_the_same_from_an_event_of_the_kernel_and_from_proc() -> None:
    """Check because the kernel's event has nanoseconds, which /proc rounds down."""
    assert identity(start=5 * TICK) == identity(start=5 * TICK + 1) == identity(start=6 * TICK - 1)


def test_it_is_the_same_in_another_time_namespace_and_after_a_step_of_the_wall_clock() -> None:
    before = ProcessEntities(HOST, BOOT).of(process(pid=7, boot_start=5 * TICK, start=1))
    after = ProcessEntities(HOST, BOOT).of(process(pid=7, boot_start=5 * TICK, start=10**18))
    shown_more = ProcessEntities(HOST, BOOT, boot_offset=3 * TICK).of(process(pid=7, boot_start=2 * TICK))

    assert before == after == shown_more


def test_another_host_boot_pid_or_start_is_another_one() -> None:
    found = [identity(), identity("c" * 32), identity(boot="b2"), identity(pid=8), identity(start=6 * TICK)]
    assert 5 == len(set(found))
    assert all(one is not None and len(one) == 32 for one in found)


def test_without_a_host_or_a_start_there_is_none() -> None:
    assert [None, None] == [identity(""), identity(start=0)]


def test_of_a_recording_of_another_program_the_start_by_the_wall_clock_counts() -> None:
    made = process(pid=7, boot_start=0, start=10**18)
    assert None is ProcessEntities(HOST).of(made)
    assert ProcessEntities(HOST, live=False).of(made) is not None


def test_many_processes_leave_no_more_memory_than_is_bounded() -> None:
    entities = ProcessEntities(HOST, BOOT)
    for pid in range(1, (1 << 14) + 10):
        entities.of(process(pid=pid, boot_start=TICK))
    assert len(entities._known) <= 1 << 14


# --- fields ---


def fields() -> FieldRegistry:
    names = Lookups()
    names.entities = ProcessEntities(HOST, BOOT, live=False)
    return FieldRegistry(builtin_fields(names), names)


def read(name: str, event: Any) -> Any:
    reader = fields().resolve(name, None, event.type).read
    assert reader is not None
    return reader(event)


@pytest.fixture
def story() -> Story:
    """Return init (1) → sshd (5) → bash (10) → vim (20); init (1) → runc (6) → nginx (30), in a container → sh (31)."""
    story = Story()
    story.has(1, name="systemd", exepath="/lib/systemd", ptid=0, start=1)
    story.has(5, name="sshd", exepath="/usr/sbin/sshd", ptid=1, start=2)
    story.has(10, name="bash", exe="-bash", exepath="/bin/bash", ptid=5, start=3, sid=10, vpid=10, env=_LOGIN)
    story.has(6, name="runc", exepath="/usr/bin/runc", ptid=1, start=4)
    groups = (("", f"/docker/{'c' * 64}"),)
    story.has(30, name="nginx", exepath="/bin/nginx", ptid=6, start=5, cgroups=groups)
    story.settled()
    story.clone(10, 20)
    story.exec(20, "/usr/bin/vim", "-R", "a b")
    story.clone(30, 31)
    return story


_LOGIN = ("HOME=/h", "SSH_CONNECTION=198.51.100.7 50000 10.0.0.1 22")


def test_the_words_of_a_command_line_keep_their_blanks(story: Story) -> None:
    assert read("proc.argv", story.write(20, 0)).split("\0")[1:] == ["-R", "a b"]


def test_ancestors_are_told_by_identity_pid_start_and_path(story: Story) -> None:
    found = [one.split(" ") for one in read("proc.ancestors", story.write(20, 0))]

    assert [(pid, path) for _, pid, _, path in found] == [
        ("10", "/bin/bash"), ("5", "/usr/sbin/sshd"), ("1", "/lib/systemd"),
    ]  # fmt: skip
    assert read("proc.pentity_id", story.write(20, 0)) == found[0][0] == read("proc.entity_id", story.write(10, 0))


def test_a_login_by_ssh_begins_with_what_sshd_started(story: Story) -> None:
    event = story.write(20, 0)

    assert read("proc.entry.leader", event).split(" ")[1] == "10"
    assert (read("proc.entry.type", event), read("proc.entry.ip", event)) == ("sshd", "198.51.100.7")


def test_a_container_begins_with_its_first_process(story: Story) -> None:
    event = story.write(30, 0)

    assert (read("proc.entry.leader", event).split(" ")[1], read("proc.entry.type", event)) == ("30", "container")
    assert read("proc.entry.ip", event) is None


def test_a_service_begins_below_the_machines_first_process(story: Story) -> None:
    event = story.write(6, 0)

    assert (read("proc.entry.leader", event).split(" ")[1], read("proc.entry.type", event)) == ("6", "init")


def test_an_address_in_the_environment_of_a_container_is_no_login(story: Story) -> None:
    inside = process(container=Container("c" * 64, "docker"), env=_LOGIN)
    assert read("proc.entry.ip", event("close", process=inside)) is None


@pytest.mark.parametrize("name", ["proc.entity_id", "proc.ancestors", "proc.entry.leader", "proc.peer", "proc.argv"])
def test_an_event_without_a_process_has_no_identity(name: str) -> None:
    assert read(name, SyscallEvent("syscall", "close", 1, 1)) is None


def test_the_host_has_an_id() -> None:
    assert HOST == read("evt.host_id", event("close"))
