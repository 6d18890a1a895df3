"""Parameters that no event type of a rule has are warnings; the rule has the same meaning as in Falco."""

from mozu.core.language.rules import SourceFile, load_texts
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields


def warnings(text: str) -> list[tuple[str, str, str]]:
    """Return (place, message, hint) of each warning."""
    result = load_texts([SourceFile("r.yaml", text)], FieldRegistry(builtin_fields()))
    assert result.ok
    return [(":".join(map(str, problem.place)), problem.message, problem.hint) for problem in result.report.problems()]


def rule(condition: str, name: str = "r") -> str:
    return f"- {{rule: {name}, desc: d, output: o, priority: INFO, condition: '{condition}'}}\n"


def test_a_parameter_of_other_event_types_is_reported_with_what_the_rule_could_ask() -> None:
    ((place, message, hint),) = warnings(rule("evt.type = dup and evt.arg.backlog = 3"))
    assert place == "1:80"
    assert message == (
        "evt.arg.backlog is always absent: no event type of the rule `r` (dup) has a parameter `backlog`"
    )
    assert hint == "the parameters there are oldfd, res; listen has `backlog`"


def test_a_name_that_is_close_to_a_parameter_of_the_rule_is_suggested() -> None:
    ((_, _, hint),) = warnings(rule("evt.type = renameat and evt.rawarg.olddir = 3"))
    assert hint.startswith("did you mean `olddirfd`?; the parameters there are ")


def test_one_event_type_of_the_rule_that_has_it_is_enough() -> None:
    assert warnings(rule("evt.type in (dup, listen) and evt.arg.backlog = 3")) == []
    assert warnings(rule("evt.type = pread64 and evt.rawarg.pos = 3")) == []


def test_a_macro_is_reported_where_it_stands_and_for_each_rule_that_cannot_use_it() -> None:
    macro = "- {macro: m, condition: evt.arg.backlog = 3}\n"
    found = warnings(
        macro
        + rule("evt.type = dup and m", "a")
        + rule("evt.type = listen and m", "b")
        + rule("evt.type = close and (m or evt.arg.backlog = 4)", "c")
    )
    assert [(place, message.partition("rule ")[2][:3]) for place, message, _ in found] == [
        ("1:25", "`a`"),
        ("1:25", "`c`"),
    ]


def test_no_parameter_is_reported_of_a_rule_that_no_event_type_meets_or_whose_parameter_has_a_position() -> None:
    no_type = "evt.type = dup and evt.type = close and evt.arg.backlog = 3"
    no_position = "evt.type = dup and evt.arg[9] = 3"
    for condition in (no_type, no_position):
        assert [] == warnings(rule(condition))
