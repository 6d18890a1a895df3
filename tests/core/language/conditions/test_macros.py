import pytest

from mozu.core.language.conditions import ConditionError, RuleInput, compile_rules, expand_macros, parse, unparse
from mozu.core.language.conditions.ast import Node
from tests.core.language.conditions.world import event, registry


def test_references_are_replaced_at_any_depth() -> None:
    inner = parse("proc.name = a or proc.name = b", "m")

    expanded = expand_macros(parse("not m and (proc.pid = 1 or m)"), {"m": inner})

    assert "not (proc.name = a or proc.name = b) and (proc.pid = 1 or (proc.name = a or proc.name = b))" == unparse(
        expanded
    )


def test_an_unknown_macro_is_named_with_its_place_and_text() -> None:
    with pytest.raises(ConditionError) as caught:
        expand_macros(parse("a and b", "outer"), {"a": parse("proc.pid = 1")})

    error = caught.value
    assert ("undefined_macro", "outer", 6, "b") == (error.reason, error.origin, error.offset, error.text)


def test_macros_that_grow_too_deep_together_are_refused() -> None:
    def grow(times: int) -> None:
        node: Node = parse("proc.pid = 1")
        for _ in range(times):
            node = expand_macros(parse("not (m or proc.pid = 2)"), {"m": node})

    grow(1900)
    with pytest.raises(ConditionError) as caught:
        grow(2100)

    assert "too_deep" == caught.value.reason


@pytest.mark.parametrize(
    "body", ["m and m", "(m or proc.pid = 1) and (m or proc.pid = 2)", "(proc.pid = 1 or m) and (proc.pid = 2 or m)"]
)
def test_macros_that_double_again_and_again_stay_small(body: str) -> None:
    node: Node = parse("fd.name contains x")
    for level in range(60):
        node = expand_macros(parse(body.replace("proc.pid = ", f"proc.pid = {level}")), {"m": node})

    program = compile_rules([RuleInput("r", "syscall", node)], registry())

    hit, miss = event(fd_name="axb", proc_pid=5), event(fd_name="b", proc_pid=5)
    assert [(hit, 0)] == program.evaluate([hit, miss])
    assert len(program.source_of("syscall", "open")) < 100_000
