import pytest

from mozu.core.cli.terminal import columns, error_text, paragraph, safe, table
from mozu.core.errors import MozuError, PluginError, RulesError, SourceUnavailable


@pytest.mark.parametrize(
    ("hostile", "expected"),
    [
        ("plain ü 百舌", "plain ü 百舌"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("a\u2028b", "a\\u2028b"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
    ],
)
def test_nothing_is_left_that_a_terminal_obeys(hostile: str, expected: str) -> None:
    assert safe(hostile) == expected


def test_line_feeds_stay_where_they_are_wanted() -> None:
    assert safe("a\nb\x1b\r", keep_lines=True) == "a\nb\\x1b\\x0d"


def test_columns_of_a_table_line_up() -> None:
    assert table(("A", "B"), [("1", "x"), ("333", "y")]) == "A    B\n1    x\n333  y"


def test_wide_characters_count_twice() -> None:
    assert columns("百舌") == 4
    assert table(("A", "B"), [("百舌", "x")]) == "A     B\n百舌  x"


def test_the_last_column_wraps_below_itself() -> None:
    made = table(("A", "B"), [("1", "one two three four five six seven eight nine")], limit=33)
    assert made.splitlines()[1:] == ["1  one two three four five six", "   seven eight nine"]


def test_without_a_limit_lines_are_as_long_as_they_are() -> None:
    assert len(table(("A", "B"), [("1", "word " * 99)]).splitlines()) == 2


def test_hostile_cells_stay_in_their_cell() -> None:
    assert table(("A",), [("x\n\x1b[2J",)]).splitlines()[1] == "x\\x0a\\x1b[2J"


def test_a_paragraph_is_wrapped_and_indented() -> None:
    assert paragraph("one two three", 10, "  ") == "  one two\n  three"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (PluginError("acme", "no\nsink acme: ok\x1b[2J"), "plugin 'acme': no\\x0asink acme: ok\\x1b[2J"),
        (SourceUnavailable("source acme cannot start: no\nmozu: ok"), "source acme cannot start: no\\x0amozu: ok"),
        (RulesError("a.yaml: one\n  two\x1b"), "a.yaml: one\n  two\\x1b"),
    ],
)  # fmt: skip
def test_what_a_plugin_says_makes_no_line_of_its_own_in_an_error(error: MozuError, shown: str) -> None:
    assert shown == error_text(error)
