import pytest

from mozu.core.filter.comparison import Call, Comparison, FieldRef, compare, fields_of


def test_a_comparison_reads_the_fields_on_both_sides_however_deep() -> None:
    inner = Call("toupper", (FieldRef("proc.name"),))
    left = Call("concat", (inner, FieldRef("fd.name")))
    read = fields_of(Comparison(left, "=", right=Call("tolower", (FieldRef("proc.pname"),))))

    assert {"proc.name", "fd.name", "proc.pname"} == {field.name for field in read}
    assert 3 == len(read)


def test_constants_are_no_fields() -> None:
    assert ["fd.num"] == [field.name for field in fields_of(compare("fd.num", "in", ["1", "2"]))]


ARGUMENT = FieldRef("evt.arg", "0")
NAME = FieldRef("proc.name")


@pytest.mark.parametrize(
    ("comparison", "field"),
    [
        (Comparison(NAME, "=", ("cat",)), "proc.name"),
        (Comparison(NAME, "exists"), "proc.name"),
        (Comparison(ARGUMENT, "=", ("7",)), "evt.arg[0]"),
        (Comparison(NAME, "=", right=FieldRef("proc.pname")), ""),
        (Comparison(NAME, "contains", ("a", "b"), exactly_one=True), ""),
        (Comparison(Call("tolower", (NAME,)), "=", ("cat",)), ""),
    ],
)
def test_the_field_is_that_of_a_plain_comparison_with_constants(comparison: Comparison, field: str) -> None:
    assert comparison.field == field


@pytest.mark.parametrize("written", ["proc.name", "evt.arg.flags", "evt.arg[0]", "proc.aname[2]"])
def test_a_field_is_compared_as_it_is_written(written: str) -> None:
    found = compare(written, "=", ["x"])
    assert (found.field, found.values) == (written, ("x",))
