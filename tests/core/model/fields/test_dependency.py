"""The dependencies of fields: declared for every field, and true for a source that caches answers by them."""

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.dependency import EVERYTHING, EXEC_INVARIANT, Dependency
from mozu.core.state.observed import Moved
from tests.core.state.story import Story

FIELDS = FieldRegistry(builtin_fields())
LASTING = sorted(field.name for field in FIELDS if field.depends <= EXEC_INVARIANT and field.read is not None)
HOST = (("memory", "/user.slice"), ("", "/user.slice"))
CONTAINER = (("", "/docker/" + "c0ffee" * 10 + "c0de"),)


def test_every_field_of_the_core_says_what_it_depends_on() -> None:
    assert [] == [field.name for field in FIELDS if field.depends == EVERYTHING]


def test_a_field_that_says_nothing_depends_on_everything() -> None:
    field = next(iter(FIELDS))
    assert EVERYTHING == type(field)(name="x", type=field.type, doc="").depends


def test_exec_invariant_fields_are_those_of_the_image() -> None:
    assert {"proc.name", "proc.exe", "proc.exepath", "proc.cmdline", "proc.is_exe_from_memfd"} <= set(LASTING)
    others = ("container.id", "proc.pid", "proc.pname", "proc.cwd", "user.uid", "proc.duration", "proc.env", "fd.name")
    assert not {*others} & {field.name for field in FIELDS if field.depends <= EXEC_INVARIANT}
    assert frozenset({Dependency.CGROUP}) == FIELDS.find("container.id")[0].depends


@pytest.fixture
def story() -> Story:
    story = Story(live=True)
    story.has(10, name="bash", exe="-bash", args=("-l",), exepath="/usr/bin/bash", ptid=1, cwd="/", cgroups=HOST)
    story.settled()
    return story


def values(story: Story, *names: str) -> dict[str, object]:
    event = SyscallEvent("syscall", "openat", 0, 10**6, 10, 10, process=story.process(10))
    return {name: FIELDS.resolve(name, None, "openat").read(event) for name in names}


def test_until_the_next_exec_nothing_changes_an_exec_invariant_field(story: Story) -> None:
    before = values(story, *LASTING)

    story.event("setuid", 10, res=0, uid=1000)
    story.event("chdir", 10, res=0, path="/tmp")
    story.event("setsid", 10, res=10)
    story.open(10, "/etc/passwd", 3)
    story.machine.apply([SyscallEvent("syscall", "_cgroup", 0, 0, 10, 10, observed=Moved(CONTAINER))])

    assert before == values(story, *LASTING)


def test_a_move_to_another_cgroup_changes_the_container_and_back(story: Story) -> None:
    found = []
    for groups in (CONTAINER, HOST):
        story.machine.apply([SyscallEvent("syscall", "_cgroup", 0, 0, 10, 10, observed=Moved(groups))])
        found.append(values(story, "container.id", "thread.cgroups"))

    assert [("c0ffee" * 2), "host"] == [one["container.id"] for one in found]
    assert found[0]["thread.cgroups"] != found[1]["thread.cgroups"]


def test_a_move_of_a_process_that_is_not_known_changes_nothing(story: Story) -> None:
    story.machine.apply([SyscallEvent("syscall", "_cgroup", 0, 0, 4711, 4711, observed=Moved(CONTAINER))])

    assert {"container.id": "host"} == values(story, "container.id")
    assert story.machine.process(4711) is None
