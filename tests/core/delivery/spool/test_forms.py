"""The common parts of a rule's alerts, stored by number."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool, forms
from mozu.core.delivery.spool.forms import FormTable
from mozu.core.testing import alert
from tests.support.packing import packed

FORMS = [packed(alert(f"rule {number}")).form for number in range(4)]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[FormTable]:
    with closing(Spool(tmp_path / "spool.db")) as spool:
        yield FormTable(spool._db)


def test_a_form_has_one_number_and_is_found_by_it(table: FormTable) -> None:
    numbers = [table.number(one.raw) for one in FORMS]
    assert [1, 2, 3, 4] == numbers == [table.number(one.raw) for one in FORMS]
    again = FormTable(table._db)
    assert FORMS == [again.get(number) for number in numbers] == [again.get(number) for number in numbers]
    assert numbers == [again.number(one.raw) for one in FORMS]


def test_a_number_that_no_form_has_is_missing(table: FormTable) -> None:
    with pytest.raises(ValueError, match="form 7 is missing"):
        table.get(7)


def test_so_many_forms_are_remembered_and_all_are_found(table: FormTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MOST_FORMS", 2)
    for _ in range(2):
        for number, one in enumerate(FORMS, 1):
            assert number == table.number(one.raw)
            assert one == table.get(number)
            assert max(len(table._numbers), len(table._forms)) <= 2
