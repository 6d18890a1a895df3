"""The table of tasks: finding the task of a moment, forgetting, and changes of its epoch."""

from typing import Any

import pytest
from msgspec.structs import astuple

from mozu.core.model.event import File, Process
from mozu.core.state import StateMachine
from mozu.core.state.tables import Node, Tables
from tests.core.state.families import Family

FAMILIES = [Family(seed, live=live) for live in (False, True) for seed in range(100, 104)]


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_whatever_changes_of_tasks_the_epoch_is_another_one(family: Family) -> None:
    machine = StateMachine(procfs=None)
    epoch, before = -1, dict[int, Any]()
    for event in family.events():
        machine.apply([event])
        tables = machine._state.tables
        tasks = {node.tid: (*astuple(node.version), node.main, {*node.children}, {*node.members}) for node in tables}
        assert tasks == before or epoch != tables.epoch, event
        epoch, before = tables.epoch, tasks


@pytest.fixture
def tables() -> Tables:
    """Return tables in which number 7 was one process from event 10 to 20, another from 30 to 40, and is a third from
    40 on.
    """
    tables = Tables()
    for born, died in ((10, 20), (30, 40), (40, None)):
        node = Node(7, tables, born)
        node.newest = Process(node, 7, 7, since=born, name=f"of {born}")
        tables.by_tid[7] = node
        if died is not None:
            tables.remove(node, died)
    return tables


def found(tables: Tables, *numbers: int) -> list[str | None]:
    processes = [tables.find(7, number) for number in numbers]
    return [None if process is None else process.name for process in processes]


def test_a_number_means_the_task_that_had_it_at_the_moment(tables: Tables) -> None:
    assert ["of 10", "of 10"] == found(tables, 10, 20)
    assert ["of 30", "of 30"] == found(tables, 30, 39)


def test_the_event_that_ends_one_task_and_begins_another_means_the_new_one(tables: Tables) -> None:
    assert ["of 40", "of 40"] == found(tables, 40, 99)


def test_between_two_tasks_of_a_number_it_means_the_living_one_and_none_where_none_lives(tables: Tables) -> None:
    assert ["of 40"] * 2 == found(tables, 9, 21)
    tables.remove(tables.by_tid[7], 60)
    assert [None, None, "of 40", None] == found(tables, 9, 21, 60, 61)


@pytest.mark.parametrize(
    ("number", "ended", "names"),
    [(20, 2, ["of 10", "of 30"]), (21, 1, ["of 40", "of 30"]), (40, 1, ["of 40", "of 30"]), (41, 0, ["of 40"] * 2)],
)
def test_an_ended_task_is_found_until_no_event_can_ask(
    tables: Tables, number: int, ended: int, names: list[str]
) -> None:
    tables.prune(number)
    assert (ended, ended > 0) == (tables.sizes()["ended_tasks"], tables.has_ended(7))
    assert names == found(tables, 15, 35)


def test_descriptors_that_threads_share_count_once(tables: Tables) -> None:
    main = tables.by_tid[7]
    thread = Node(8, tables, 40, main.files)
    thread.main, tables.by_tid[8] = main, thread
    for fd in range(3):
        tables.put_file(main.files, fd, File("file", "/x"), 60)
    assert (2, 3) == (tables.sizes()["tasks"], tables.sizes()["files"])


def test_what_descriptors_were_is_kept_until_no_event_can_ask(tables: Tables) -> None:
    files = tables.by_tid[7].files
    for number in (60, 61, 63):
        tables.put_file(files, 3, File("file", f"/{number}"), number)
    shown = []
    for number in (59, 60, 61, 62, 63):
        tables.prune(number)
        file = files.at(3, 62)
        shown.append((number, file and file.name, files.has_history))
    assert [(59, "/61", True), (60, "/61", True), (61, "/61", True), (62, "/61", True), (63, "/63", False)] == shown


def test_what_a_table_had_before_an_event_is_forgotten_with_it(tables: Tables) -> None:
    once, twice = Node(8, tables, 50).files, tables.by_tid[7].files
    for files, number in ((once, 60), (twice, 60), (twice, 61)):
        tables.put_file(files, 3, File("file", f"/{number}"), number)
    shown = []
    for number in (60, 61):
        tables.prune(number)
        shown.append((once.has_history, twice.has_history))
    assert [(False, True), (False, False)] == shown
