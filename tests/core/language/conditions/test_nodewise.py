"""Every node of a condition has the same truth as in the evaluator, and reports the values that it read and what
decided.
"""

import random

import hypothesis
from hypothesis import strategies as st

from mozu.core.language.conditions import Macro, Node, NodeEvaluator, RuleInput, Test, compile_rules, parse
from mozu.core.language.conditions.ast import bottom_up
from tests.core.language.conditions.interpreter import Interpreter
from tests.core.language.conditions.test_property import CONDITIONS, random_event, thorough
from tests.core.language.conditions.world import event, registry

FIELDS = registry()
TRUTH = Interpreter(FIELDS)
EVALUATOR = NodeEvaluator(FIELDS, "syscall")


def nodes(root: Node) -> list[Node]:
    found: list[Node] = []
    bottom_up(root, lambda node, _: found.append(node))
    return found


@thorough(200)
@hypothesis.given(CONDITIONS, st.integers(0, 2**32))
def test_every_node_agrees_with_the_interpreter_property(condition: str, seed: int) -> None:
    every, chance = nodes(parse(condition)), random.Random(seed)
    for one in (random_event(chance) for _ in range(10)):
        truths = EVALUATOR.at(one)

        assert [truths.of(node) for node in every] == [TRUTH.holds(node, one) for node in every]


@thorough(100)
@hypothesis.given(CONDITIONS, st.integers(0, 2**32))
def test_every_node_agrees_with_a_rule_of_its_own_property(condition: str, seed: int) -> None:
    every, chance = nodes(parse(condition)), random.Random(seed)
    program = compile_rules([RuleInput(str(at), "syscall", node) for at, node in enumerate(every)], FIELDS, "all")
    for one in (random_event(chance) for _ in range(10)):
        truths = EVALUATOR.at(one)

        assert [at for at, node in enumerate(every) if truths.of(node)] == [at for _, at in program.evaluate([one])]


def test_a_macro_has_the_truth_of_its_tree() -> None:
    macros = {"shell": parse("proc.name in (sh, bash)", "shell"), "quiet": parse("not shell", "quiet")}
    truths = NodeEvaluator(FIELDS, "syscall", macros).at(event(proc_name="sh"))

    assert [truths.of(Macro(name)) for name in ("shell", "quiet")] == [True, False]


def test_of_a_false_and_the_first_false_part_decides() -> None:
    root = parse("proc.name = sh and fd.num = 1 and proc.pid = 2")
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="sh", fd_num=3, proc_pid=3))

    assert truths.deciding(root) == (root.children[1],)  # type: ignore[union-attr]


def test_of_a_true_and_every_part_decides() -> None:
    root = parse("proc.name = sh and fd.num = 3")
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="sh", fd_num=3))

    assert truths.deciding(root) == root.children  # type: ignore[union-attr]


def test_of_a_true_or_the_first_true_part_decides() -> None:
    root = parse("proc.name = bash or fd.num = 3 or proc.pid = 3")
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="sh", fd_num=3, proc_pid=3))

    assert truths.deciding(root) == (root.children[1],)  # type: ignore[union-attr]


def test_a_test_says_what_both_sides_came_to() -> None:
    root = parse("tolower(proc.name) = val(proc.pname)")
    assert isinstance(root, Test)
    values = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="SH")).values(root)

    assert [(value.name, value.value) for value in values] == [("tolower(proc.name)", "sh"), ("proc.pname", None)]


def test_a_test_of_many_constants_says_which_hold() -> None:
    root = parse("proc.name startswith anyof (ba, z, bas)")
    assert isinstance(root, Test)
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="bash"))

    assert truths.holding(root) == ("ba", "bas")


def test_a_test_of_very_many_constants_says_which_hold() -> None:
    root = parse(f"proc.name in ({', '.join(f'p{number}' for number in range(20_000))}, bash)")
    assert isinstance(root, Test)
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="bash"))

    assert truths.holding(root) == ("bash",)


def test_a_test_that_takes_all_constants_names_none() -> None:
    root = parse("proc.name contains allof (a, s)")
    assert isinstance(root, Test)
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="bash"))

    assert (truths.of(root), truths.holding(root)) == (True, ())


def test_a_condition_of_very_many_levels_is_judged() -> None:
    text = "not (" * 900 + "proc.name = sh and fd.num = 1" + ")" * 900
    truths = NodeEvaluator(FIELDS, "syscall").at(event(proc_name="sh", fd_num=1))

    assert truths.of(parse(text))
