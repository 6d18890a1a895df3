from mozu.core.model.event import FdTable, File

A, B = File("file", "/a"), File("file", "/b")


def test_a_table_answers_for_every_moment() -> None:
    files = FdTable()
    files.put(3, A, 10)
    files.put(3, B, 20)
    files.drop(3, 30)
    assert [None, A, A, B, B, None] == [files.at(3, number) for number in (9, 10, 19, 20, 29, 30)]


def test_the_whole_table_can_be_had_for_a_moment() -> None:
    files = FdTable()
    files.put(3, A, 10)
    files.put(4, B, 20)
    files.drop(3, 30)
    assert [{}, {3: A}, {3: A, 4: B}, {4: B}] == [files.all_at(number) for number in (9, 10, 20, 30)]


def test_dropping_what_is_not_there_is_nothing() -> None:
    files = FdTable()
    files.drop(3, 10)
    assert not files.has_history


def test_a_child_inherits_entries_and_no_history() -> None:
    files = FdTable()
    files.put(3, A, 10)
    child = files.inherited()
    child.put(3, B, 20)
    assert (A, B, A) == (files.at(3, 99), child.at(3, 99), child.at(3, 5))


def test_history_can_be_inherited_too() -> None:
    files = FdTable()
    files.put(3, A, 10)
    assert files.inherited(history=True).at(3, 9) is None


def test_what_is_forgotten_cannot_be_asked() -> None:
    files = FdTable()
    files.put(3, A, 10)
    files.put(3, B, 20)
    files.forget(15)
    assert (A, B) == (files.at(3, 15), files.at(3, 20))
    files.forget(20)
    assert not files.has_history
