"""The effects of a call that an equal call repeats, without a look at the state."""

import pytest

from mozu.core.model.event import File
from mozu.core.state import StateMachine
from mozu.core.state.effects import CHANGES_ANOTHER, CHANGES_ITS_PROCESS, EFFECTS, NOTHING
from mozu.core.state.observed import Opened
from tests.core.state.sparse import sparse
from tests.core.state.story import made


@pytest.mark.parametrize("kind", ["ptrace", "unlink", "mount"])
def test_a_call_that_leaves_the_state_as_it_is_does_nothing(kind: str) -> None:
    assert EFFECTS[kind](made(kind, 10)) is NOTHING


@pytest.mark.parametrize("kind", ["chdir", "close", "dup", "execve", "clone", "setuid"])
def test_of_a_call_that_changes_the_state_otherwise_it_cannot_be_reported(kind: str) -> None:
    assert kind not in EFFECTS


@pytest.mark.parametrize(
    ("fd", "raw", "base", "known"),
    [
        (3, "/a", None, True), (0, "/a", None, True), (-13, "/a", None, False), (None, "/a", None, False),
        (3, "a", "/srv", True), (3, "a", "", None), (3, "a", None, None),
    ],
)  # fmt: skip
def test_an_open_makes_its_descriptor_where_the_record_has_the_whole_path(
    fd: int | None, raw: str, base: str | None, known: bool | None
) -> None:
    file = File("file", "/srv/a", raw)
    event = made("openat", 10, observed=Opened(base), file=file)
    event.fd = fd
    found = EFFECTS["openat"](event)
    assert found == (None if known is None else (fd, file) if known else NOTHING)


def test_processes_change_by_events_of_these_types_alone() -> None:
    changing = set()
    for history in sparse():
        machine = StateMachine(procfs=None)
        for event in history.events():
            before = machine._state.tables.epoch
            machine.apply([event])
            if machine._state.tables.epoch != before:
                changing.add(event.type)
    assert changing - CHANGES_ANOTHER <= CHANGES_ITS_PROCESS | {"_process"}
    assert {"setuid", "chdir", "brk"} <= changing
