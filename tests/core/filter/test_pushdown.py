from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import TRUE, interned
from mozu.core.filter.pushdown import Precision, Pushdown


def test_a_source_that_says_no_more_tests_nothing_and_decides_nothing() -> None:
    said = Pushdown(Precision.NONE)

    assert said.tested(interned(compare("proc.name", "=", ["cat"]))) is TRUE
    assert said.passing is TRUE
    assert (said.undecided, said.undenied) == (
        "the source does not act in the kernel", "the source denies nothing in the kernel"
    )  # fmt: skip
