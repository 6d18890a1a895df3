"""The words of a condition, also of one that is being typed."""

import pytest

from mozu.core.language.workspace.words import Following, Reading, WordKind, without_yaml_quotes


@pytest.mark.parametrize(
    ("text", "expected", "field", "operator"),
    [
        ("", Following.OPERAND, "", ""),
        ("evt.type ", Following.OPERATOR, "evt.type", ""),
        ("evt.type = ", Following.VALUE, "evt.type", "="),
        ("evt.type=", Following.VALUE, "evt.type", "="),
        ("evt.type in (open, ", Following.ITEM, "evt.type", "in"),
        ("evt.type in (open) ", Following.JOINT, "", ""),
        ("proc.name exists ", Following.JOINT, "", ""),
        ("not ", Following.OPERAND, "", ""),
        ("spawned_process and (", Following.OPERAND, "", ""),
        ("tolower(", Following.ARGUMENT, "", ""),
        ("tolower(proc.name) ", Following.OPERATOR, "", ""),
        ("proc.name = val(", Following.ARGUMENT, "proc.name", "="),
        ("proc.name = val(proc.pname) ", Following.JOINT, "", ""),
        ("proc.name glob anyof (", Following.ITEM, "proc.name", "glob"),
        ("proc.aname[2] ", Following.OPERATOR, "proc.aname[2]", ""),
        ("evt.type ) and ", Following.OPERAND, "", ""),
        ("proc.name = 'a (b' and ", Following.OPERAND, "", ""),
    ],
)
def test_what_follows_a_text(text: str, expected: Following, field: str, operator: str) -> None:
    reading = Reading(text)

    assert (expected, field, operator) == (reading.following, reading.field, reading.operator)


def test_a_word_has_its_meaning_and_its_place() -> None:
    text = 'not shell_procs and proc.name in (shells, "a b") or evt.dir exists'

    found = [(word.kind, text[word.start : word.end], word.field) for word in Reading(text).words]

    assert [
        (WordKind.KEYWORD, "not", ""),
        (WordKind.MACRO, "shell_procs", ""),
        (WordKind.KEYWORD, "and", ""),
        (WordKind.FIELD, "proc.name", ""),
        (WordKind.OPERATOR, "in", "proc.name"),
        (WordKind.VALUE, "shells", "proc.name"),
        (WordKind.QUOTED, '"a b"', "proc.name"),
        (WordKind.KEYWORD, "or", ""),
        (WordKind.FIELD, "evt.dir", ""),
        (WordKind.OPERATOR, "exists", "evt.dir"),
    ] == found


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('"proc.name = \\"a b\\""', ' proc.name =  "a b " '.replace('b "', 'b "')),
        ("'proc.name = ''a'''", " proc.name =  'a ' "),
        ("proc.name = 'a'", "proc.name = 'a'"),
        ('"proc.name = ', " proc.name = "),
    ],
)
def test_quotes_of_yaml_become_blanks_and_nothing_moves(text: str, plain: str) -> None:
    assert len(text) == len(without_yaml_quotes(text))
    assert [word.text for word in Reading(plain).words] == [
        word.text for word in Reading(without_yaml_quotes(text)).words
    ]
