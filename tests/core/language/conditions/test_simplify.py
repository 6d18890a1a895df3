import pytest

from mozu.core.filter.formula import factor
from mozu.core.language.conditions import parse, simplify, text_of
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify import contradiction, fold, merge
from tests.core.language.conditions.pairs import pairs
from tests.core.language.conditions.world import registry

FIELDS = registry()
ANY = Resolver(FIELDS, "syscall")


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("lower"))
def test_a_formula_has_no_needless_levels_and_one_spelling(condition: str, expected: str, _: None) -> None:
    assert expected == text_of(lower(parse(condition)))


@pytest.mark.parametrize(("condition", "expected", "kind"), pairs("fold"))
def test_fold_decides_what_needs_no_value(condition: str, expected: str, kind: str | None) -> None:
    assert expected == text_of(fold(lower(parse(condition)), Resolver(FIELDS, "syscall", kind)))


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("merge"))
def test_merge_makes_one_comparison_of_those_on_one_field(condition: str, expected: str, _: None) -> None:
    assert expected == text_of(merge(lower(parse(condition)), ANY))


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("factor"))
def test_factor_takes_shared_parts_out_of_alternatives(condition: str, expected: str, _: None) -> None:
    assert expected == text_of(factor(lower(parse(condition))))


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("contradiction"))
def test_contradiction_finds_what_is_never_true(condition: str, expected: str, _: None) -> None:
    assert expected == text_of(contradiction(lower(parse(condition)), ANY))


def test_all_passes_together_reach_the_smallest_form() -> None:
    condition = (
        "evt.type = open and (proc.name = a and fd.name startswith /x or (proc.name = a and fd.name startswith /y))"
    )

    simplified = simplify(parse(condition), FIELDS, "syscall", "open")

    assert "proc.name = a and fd.name startswith anyof (/x, /y)" == text_of(simplified)


def test_equal_conditions_are_one_formula() -> None:
    first = lower(parse("proc.name = a and (proc.pid = 1 or fd.num = 2)"))
    second = lower(parse("proc.name=a and (proc.pid==1 or (fd.num=2))"))

    assert first is second
