from mozu.core.filter.comparison import Call, Comparison, FieldRef, compare, fields_of


def test_a_comparison_reads_the_fields_on_both_sides_however_deep() -> None:
    inner = Call("toupper", (FieldRef("proc.name"),))
    left = Call("concat", (inner, FieldRef("fd.name")))
    read = fields_of(Comparison(left, "=", right=Call("tolower", (FieldRef("proc.pname"),))))

    assert {"proc.name", "fd.name", "proc.pname"} == {field.name for field in read}
    assert 3 == len(read)


def test_constants_are_no_fields() -> None:
    assert ["fd.num"] == [field.name for field in fields_of(compare("fd.num", "in", ["1", "2"]))]
