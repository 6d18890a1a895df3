"""Notations of other languages are refused, with the notation to write instead."""

import pytest

from mozu.core.language.conditions import ConditionError, parse

NOT = "write `not`, with a blank or `(` behind it"
BEFORE = "write `not` in front of the field"
STRAIGHT = "write straight quotes, \" or '"


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ("proc.name = a AND proc.pid = 1", "AND", "write `and`"),
        ("(proc.name = a And proc.pid = 1)", "And", "write `and`"),
        ("proc.name = a && proc.pid = 1", "&&", "write `and`"),
        ("proc.name=a&&proc.pid = 1", "= 1", "write `and`"),
        ("proc.pid > 5 & proc.name = a", "&", "write `and`"),
        ("spawned OR proc.name = a", "OR", "write `or`"),
        ("proc.name = a || proc.pid = 1", "||", "write `or`"),
        ("!(proc.name = a)", "!", NOT),
        ("evt.type = open and !proc.name = a", "!", NOT),
        ("NOT proc.name = a", "proc", NOT),
        ("NOT (proc.name = a)", "(", NOT),
        ("proc.name not in (a)", "not", BEFORE),
        ("proc.name NOT IN (a)", "NOT", BEFORE),
        ("proc.name !contains a", "!", BEFORE),
        ("proc.name !~ a", "!~", BEFORE),
        ("proc.name =~ ^a", "^a", "write `regex`"),
        ("proc.name matches ^a", "matches", "write `regex`"),
        ("proc.name like a", "like", "write `glob`"),
        ("proc.name === a", "= a", "write `=` or `!=`"),
        ("proc.name !== a", "= a", "write `=` or `!=`"),
        ("proc.name <> a", "> a", "write `!=`"),
        ("proc.name ne a", "ne a", "write `!=`"),
        ("proc.name is not a", "is", "write `!=`"),
        ("proc.name is a", "is", "write `=`"),
        ("proc.pid ≥ 5", "≥", "write `>=`"),
        ("proc.name IN (a)", "IN", "write `in`"),
        ("proc.name StartsWith a", "StartsWith", "write `startswith`"),
        ("proc.name starts_with a", "starts_with", "write `startswith`"),
        ("proc.name in [a, b]", "[", "write lists in parentheses, as in `in (a, b)`"),
        ("proc.name = “a b”", "b”", STRAIGHT),
        ("‘proc.name’ = a", "‘", STRAIGHT),
    ],
)
def test_a_notation_of_another_language_is_refused_with_its_place_and_what_to_write(
    text: str, at: str, hint: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)

    assert (text.index(at), hint) == (caught.value.offset, caught.value.hint)


@pytest.mark.parametrize("text", ["proc.name = a not", "proc.name = a proc.pid = 1", "proc.name = a,", "(fd.num = 1"])
def test_a_mistake_of_no_other_language_has_no_hint(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)

    assert "" == caught.value.hint
