import pytest

from mozu.core.language.conditions import parse, simplify, unparse
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify import Builder, contradiction, factor, flatten, fold, merge
from tests.core.language.conditions.pairs import pairs
from tests.core.language.conditions.world import registry

FIELDS = registry()


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("flatten"))
def test_flatten_leaves_no_needless_levels(condition: str, expected: str, _: None) -> None:
    assert expected == unparse(flatten(parse(condition), Builder()))


@pytest.mark.parametrize(("condition", "expected", "kind"), pairs("fold"))
def test_fold_decides_what_needs_no_value(condition: str, expected: str, kind: str | None) -> None:
    builder = Builder()

    folded = fold(flatten(parse(condition), builder), Resolver(FIELDS, "syscall", kind), builder)

    assert expected == unparse(folded)


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("merge"))
def test_merge_makes_one_test_of_those_on_one_field(condition: str, expected: str, _: None) -> None:
    builder = Builder()

    merged = merge(flatten(parse(condition), builder), Resolver(FIELDS, "syscall"), builder)

    assert expected == unparse(merged)


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("factor"))
def test_factor_takes_shared_parts_out_of_alternatives(condition: str, expected: str, _: None) -> None:
    builder = Builder()

    assert expected == unparse(factor(flatten(parse(condition), builder), builder))


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("contradiction"))
def test_contradiction_finds_what_is_never_true(condition: str, expected: str, _: None) -> None:
    builder = Builder()

    assert expected == unparse(contradiction(flatten(parse(condition), builder), Resolver(FIELDS, "syscall"), builder))


def test_all_passes_together_reach_the_smallest_form() -> None:
    condition = (
        "evt.type = open and (proc.name = a and fd.name startswith /x or (proc.name = a and fd.name startswith /y))"
    )

    simplified = simplify(parse(condition), FIELDS, "syscall", "open")

    assert "proc.name = a and fd.name startswith anyof (/x, /y)" == unparse(simplified)


def test_equal_parts_become_one_node() -> None:
    builder = Builder()
    first = flatten(parse("proc.name = a and (proc.pid = 1 or fd.num = 2)"), builder)
    second = flatten(parse("proc.name=a and (proc.pid=1 or (fd.num=2))"), builder)

    assert first is second
