"""Fields of processes that are more than one attribute. The tests of the state cover the attributes."""

from typing import Any

import pytest

from mozu.core.errors import UnknownField
from mozu.core.filter.demand import STATE_DEPENDENCIES
from mozu.core.model.event.process import Process, Task
from mozu.core.model.fields import FieldRegistry, Match
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.proc.own import env_value
from tests.core.state.story import THREAD, Story, read, shown

_FIELDS = FieldRegistry(builtin_fields())


@pytest.fixture
def story() -> Story:
    """Return systemd (1) → sshd (5) → bash (10) → vim (20)."""
    story = Story()
    story.has(1, name="systemd", exe="/sbin/init", exepath="/lib/systemd", ptid=0, env=("X=top", "Y=top"))
    story.has(5, name="sshd", exe="sshd: a", exepath="/sbin/sshd", args=("-D",), ptid=1, env=("X=mid", "Y="))
    story.has(10, name="bash", exe="-bash", exepath="/bin/bash", ptid=5, vpid=3, env=("HOME=/h", "X=low"))
    story.settled()
    story.clone(10, 20)
    story.exec(20, "/usr/bin/vim", "-R", "a b", env=b"OWN=1\0")
    return story


@pytest.fixture
def event(story: Story) -> Any:
    return story.write(20, 0)


# --- lineage ---


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("proc.pname", "bash"),
        ("proc.pexe", "-bash"),
        ("proc.pexepath", "/bin/bash"),
        ("proc.pcmdline", "bash"),
        ("proc.ppid", 10),
        ("proc.pvpid", 3),
        ("proc.ppid.ts", 0),
        ("proc.ppid.duration", 0),
    ],
)
def test_the_parent_has_fields_of_its_own(event: Any, field: str, expected: Any) -> None:
    assert expected == read(event, field)


@pytest.mark.parametrize(
    ("field", "argument", "expected"),
    [
        ("proc.aname", None, ("bash", "sshd", "systemd")),
        ("proc.aname", "0", "vim"),
        ("proc.aname", "2", "sshd"),
        ("proc.aname", "4", None),
        ("proc.aname", "99999999999", None),
        ("proc.aexe", "1", "-bash"),
        ("proc.aexepath", None, ("/bin/bash", "/sbin/sshd", "/lib/systemd")),
        ("proc.acmdline", "2", "sshd -D"),
        ("proc.apid", None, (10, 5, 1)),
        ("proc.aargs", None, "-D"),
        ("proc.aargs", "2", "-D"),
        ("proc.aenv", None, ("HOME=/h X=low", "X=mid Y=", "X=top Y=top")),
        ("proc.aenv", "2", "X=mid Y="),
        ("proc.aenv", "X", "low"),
        ("proc.aenv", "Y", "top"),
        ("proc.aenv", "NONE", ""),
    ],
)
def test_ancestors_are_any_or_one(event: Any, field: str, argument: str | None, expected: Any) -> None:
    assert expected == read(event, field, argument)


@pytest.mark.parametrize(
    ("field", "expected"),
    [("proc.aname", "bash sshd systemd"), ("proc.apid", 20), ("proc.aenv", "OWN=1"), ("proc.pname", "bash")],
)
def test_outputs_print_one_value(event: Any, field: str, expected: Any) -> None:
    assert expected == shown(event, field)


def test_a_process_without_ancestors_has_none(story: Story) -> None:
    event = story.write(1, 0)
    assert (None, None, "systemd") == (
        read(event, "proc.aname"),
        shown(event, "proc.aname"),
        read(event, "proc.aname", "0"),
    )


def test_only_the_bare_form_means_any_ancestor() -> None:
    assert (Match.ANY, Match.ONE) == (_FIELDS.resolve("proc.aname").match, _FIELDS.resolve("proc.aname", "1").match)


def test_a_thread_has_the_ancestors_of_its_process(story: Story) -> None:
    story.clone(20, 21, flags=THREAD)
    assert ("bash", ("bash", "sshd", "systemd")) == (
        read(story.write(21, 0), "proc.pname"), read(story.write(21, 0), "proc.aname"),
    )  # fmt: skip


# --- texts ---


@pytest.mark.parametrize(
    ("field", "argument", "expected"),
    [
        ("proc.args", None, "-R a b"),
        ("proc.args", "1", "a b"),
        ("proc.args", "9", ""),
        ("proc.cmdline", None, "vim -R a b"),
        ("proc.exeline", None, "/usr/bin/vim -R a b"),
        ("proc.cmdnargs", None, 2),
        ("proc.cmdlenargs", None, 5),
        ("proc.env", None, "OWN=1"),
        ("proc.env", "OWN", "1"),
        ("proc.env", "NONE", ""),
        ("proc.env", "12", "OWN=1"),
        ("thread.nametid", None, "vim20"),
    ],
)
def test_the_command_line_has_many_forms(event: Any, field: str, argument: str | None, expected: Any) -> None:
    assert expected == read(event, field, argument)


def test_lengths_are_bytes(story: Story) -> None:
    assert 3 == read(story.exec(20, "/bin/x", "文"), "proc.cmdlenargs")


def test_a_command_line_without_arguments_ends_with_a_blank(story: Story) -> None:
    assert "/bin/x " == read(story.exec(20, "/bin/x"), "proc.exeline")


def test_a_variable_is_the_first_entry_of_its_name_that_says_something() -> None:
    process = Process(Task(1), 1, 1, env=("AN=X", "Y=Z", "X=", "OTHER=X=no", "X= first ", "X=second", "N", "ONE=1"))

    assert ["first", "Z", "X", "1"] == [env_value(process, name) for name in ("X", "Y", "AN", "ONE")]
    assert ["", "", ""] == [env_value(process, name) for name in ("R", "XY", "NONE")], "what only looks like a name"


# --- numbers ---


def test_an_age_that_would_be_negative_wraps(story: Story) -> None:
    event = story.write(20, 0)
    event.time = story.process(20).start - 1
    assert 2**64 - 1 == read(event, "proc.duration")


@pytest.mark.parametrize("step", [0, 3_000_000_000, -86_400_000_000_000])
def test_an_age_is_none_of_the_wall_clock(story: Story, step: int) -> None:
    """Change the wall clock by `step` after the process, its parent and their pid namespace began."""
    for pid, ptid in ((40, 1), (41, 40)):
        story.has(pid, ptid=ptid, start=5_000, boot_start=4_000, pidns_start=4_500)
    event = story.write(41, 0)
    event.time, event.boot_time = 5_000 + 700 + step, 4_000 + 700

    ages = ("proc.duration", "proc.ppid.duration", "container.duration")
    assert [700, 700, 1200] == [read(event, name) for name in ages]


def test_zero_is_no_value_of_times_and_inodes(story: Story) -> None:
    event = story.write(1, 0)
    fields = (
        "proc.duration",
        "proc.pid.ts",
        "proc.exe_ino",
        "proc.exe_ino.ctime",
        "proc.pidns_init_start_ts",
        "container.start_ts",
    )
    assert [None] * 6 == [read(event, field) for field in fields]


def test_usage_is_in_percent_of_the_limit(story: Story) -> None:
    story.has(30, fdlimit=4)
    story.open(30, "/a", 0)
    event = story.write(30, 0)
    assert (1, 25.0) == (read(event, "proc.fdopencount"), read(event, "proc.fdusage"))


def test_memory_of_other_than_main_threads_is_not_reported_twice(story: Story) -> None:
    story.has(30, vm_size=7)
    story.clone(30, 31, flags=THREAD, vm_size=7, vm_rss=1, vm_swap=0)
    assert [(7, 7168), (0, 0)] == [
        (read(event, "thread.vmsize"), read(event, "thread.vmsize.b"))
        for event in (story.write(30, 0), story.write(31, 0))
    ]


def test_cgroups_are_one_text_or_one_path(story: Story) -> None:
    story.has(30, cgroups=(("cpu", "/a"), ("memory", "/b")))
    event = story.write(30, 0)
    found = read(event, "thread.cgroups"), read(event, "thread.cgroup.memory"), read(event, "thread.cgroup.pids")
    assert ("cpu=/a memory=/b", "/b", None) == found


# --- events without a task ---


def test_without_a_task_every_field_of_processes_is_missing(story: Story) -> None:
    event = story.event("cpu_hotplug", 20)
    names = [field.name for field in _FIELDS if field.name.startswith(("proc.", "user.", "group.", "container."))]
    found = {name: _value(event, name) for name in names}
    assert {} == {name: value for name, value in found.items() if value is not None}


def _value(event: Any, name: str) -> Any:
    try:
        return read(event, name)
    except UnknownField:
        return read(event, name, "0")


# --- declarations ---


def test_needs_are_facets_or_enrichers() -> None:
    known = set(STATE_DEPENDENCIES) | {"enricher:users", "enricher:containers"}
    mine = [field for field in _FIELDS if field.name.startswith(("proc.", "thread.", "user.", "group.", "container."))]
    assert set() == {need for field in mine for need in field.needs or ()} - known


@pytest.mark.parametrize("name", ["proc.aname[x]", "proc.args[-1]", "thread.cgroup", "container.label"])
def test_a_wrong_argument_is_refused(name: str) -> None:
    field, _, argument = name.rstrip("]").partition("[")
    with pytest.raises(UnknownField):
        _FIELDS.resolve(field, argument or None)


# --- containers ---


def test_the_host_is_a_container_of_that_name(event: Any) -> None:
    names = ("id", "full_id", "type", "name", "image", "privileged")
    assert ("host", "host", "host", "host", "", False) == tuple(read(event, f"container.{name}") for name in names)


def test_without_an_enricher_only_the_cgroup_tells_of_a_container(story: Story) -> None:
    story.has(30, cgroups=(("cpu", "/docker/" + "ab" * 32),))
    event = story.write(30, 0)
    names = ("id", "full_id", "type", "name", "image", "privileged")
    expected = ("abababababab", "ab" * 32, "docker", None, None, None)
    assert expected == tuple(read(event, f"container.{name}") for name in names)
