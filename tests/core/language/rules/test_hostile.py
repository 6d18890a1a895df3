"""Hostile input ends in a clean report."""

import random

import pytest

from mozu.core.language.rules import SourceFile, load_texts
from tests.core.language.rules.small import loaded, registry

RULE = "- {{rule: r, desc: d, output: o, priority: INFO, condition: {condition}}}\n"


def test_deeply_nested_parentheses() -> None:
    result = loaded(RULE.format(condition="(" * 50_000 + "proc.name = a" + ")" * 50_000))

    assert not result.ok


def test_a_chain_of_ten_thousand_macros() -> None:
    macros = ["- {macro: m0, condition: proc.name = a}\n"]
    macros += [f"- {{macro: m{n}, condition: m{n - 1}}}\n" for n in range(1, 10_000)]

    result = loaded("".join(macros) + RULE.format(condition="evt.type = open and m9999"))

    assert result.ok


def test_macros_that_double_thirty_times() -> None:
    macros = ["- {macro: m0, condition: proc.name = a}\n"]
    macros += [f"- {{macro: m{n}, condition: m{n - 1} or m{n - 1}}}\n" for n in range(1, 30)]

    result = loaded("".join(macros) + RULE.format(condition="evt.type = open and m29"))

    assert ["the condition grows beyond 100,000 tests through its macros"] == sorted(
        {problem.message for problem in result.report.problems() if problem.code.is_error}
    )


def test_a_circle_of_a_thousand_macros_is_one_problem() -> None:
    macros = [f"- {{macro: m{n}, condition: m{(n + 1) % 1000}}}\n" for n in range(1000)]
    again = [f"- {{macro: m{n}, condition: m{(n + 1) % 1000}}}\n" for n in range(1000)]

    result = loaded("".join(macros + again) + RULE.format(condition="evt.type = open and m0"))

    assert 1 == sum("circle" in problem.message for problem in result.report.problems())


def test_a_list_of_a_hundred_thousand_items() -> None:
    items = ", ".join(f"item{n}" for n in range(50_000))

    result = loaded(
        f"- {{list: l, items: [{items}]}}\n" + RULE.format(condition="evt.type = open and proc.name in (l)")
    )

    assert result.ok


def test_a_line_of_ten_megabytes_has_a_short_report() -> None:
    result = loaded(RULE.format(condition="evt.type = open and proc.nme = " + "x" * 10_000_000))

    assert len(result.report.verbose()) < 5_000


def test_a_condition_of_ten_megabytes_is_refused_for_its_length() -> None:
    result = loaded(RULE.format(condition="proc.name = a or " * 600_000 + "proc.name = b"))

    assert ["the condition grows beyond 1,048,576 characters"] == [p.message for p in result.report.problems()]


def test_of_very_many_unknown_keys_the_first_are_reported_and_the_rest_is_counted() -> None:
    keys = ", ".join(f"k{n}: x" for n in range(50_000))

    result = loaded(RULE.format(condition="evt.type = open, " + keys))

    assert (101, True) == (len(result.report.files[0].warnings), result.ok)


def test_a_rule_with_itself_as_its_tags() -> None:
    result = loaded("- &a {rule: r, desc: d, output: o, priority: INFO, condition: evt.num = 0, tags: *a}")

    assert not result.ok


@pytest.mark.parametrize("seed", range(200))
def test_mutated_rules_never_raise(seed: int) -> None:
    chance = random.Random(seed)
    text = list(
        "- {list: l, items: [a, 'b c']}\n- {macro: m, condition: proc.name in (l)}\n"
        + RULE.format(condition="evt.type = open and not m and fd.name startswith /etc")
        + "- rule: r\n  exceptions:\n    - {name: e, fields: [proc.name], values: [[a]]}\n"
        + "  override: {exceptions: append}\n"
    )
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(text))
        text[at] = chance.choice(
            ["", "[", "]", "{", "}", ":", "&a ", "*a ", "\n", "\t", "-", "'", '"', "%", "\x00", "é", "("]
        )

    result = load_texts([SourceFile("mutated.yaml", "".join(text))], registry())

    assert result.ok or any(problem.code.is_error for problem in result.report.problems())
