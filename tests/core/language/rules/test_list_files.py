"""Lists from files: values as written, one clear error for each mistake, and the files that a run watches."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mozu.core.language.conditions import unparse
from mozu.core.language.rules import LoadResult, describe_rules, list_files, load
from mozu.core.language.rules.list_files import MOST_VALUES
from tests.core.language.rules.small import registry

RULES = """
- list: bad
  items_from: lists/bad.txt
- rule: A
  desc: b
  condition: evt.type = open and {condition}
  output: "%proc.name"
  priority: INFO
"""
Load = Callable[..., LoadResult]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Load rules whose list `bad` comes from a file with this content."""

    def load_with(content: str | bytes, condition: str = "proc.name in (bad)", more: str = "") -> LoadResult:
        (tmp_path / "lists").mkdir(exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / "lists/bad.txt").write_bytes(raw)
        (tmp_path / "rules.yaml").write_text(RULES.format(condition=condition) + more)
        return load([tmp_path / "rules.yaml"], registry())

    return load_with


def condition(result: LoadResult) -> str:
    assert result.ok, result.report.verbose()
    return unparse(result.rules.rules[0].checked.node)


def only_error(result: LoadResult) -> tuple[str, tuple[int, int], str, str]:
    """Return name of the file, place, sentence and remedy of the one error."""
    (problem,) = [one for one in result.report.problems() if one.code.is_error]
    return Path(problem.file).name, problem.place, problem.message, problem.hint


def test_a_line_is_a_value_and_comments_are_not(loaded: Load) -> None:
    text = "# names\n\nsh\n  bash\t# a shell\r\na#b\nsh\n'two words'\n\"it's\"\n"

    assert 'evt.type = open and proc.name in (sh, bash, a#b, "two words", "it\'s")' == condition(loaded(text))


@pytest.mark.parametrize("value", ["a)", "x) or (proc.name=y", "a,b", "a=b", "(", "(a)"])
def test_no_value_ends_the_list(loaded: Load, value: str) -> None:
    result = loaded(f'"{value}"\nlast\n')

    assert f'evt.type = open and proc.name in ("{value}", last)' == condition(result)


def test_the_file_is_beside_the_rules_file_whatever_the_directory_is(
    loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")

    assert condition(loaded("sh\n")).endswith("(sh)")


def test_a_list_may_be_in_a_list_and_be_appended_to(loaded: Load) -> None:
    more = "- list: bad\n  items: [zsh]\n  override: {items: append}\n"

    assert condition(loaded("sh\n", "proc.name in (bad, ksh)", more)).endswith("(sh, zsh, ksh)")


@pytest.mark.parametrize(
    ("content", "place", "message", "hint"),
    [
        ("sh\n1.2.3.4 a feed\n", (2, 1), "`1.2.3.4 a feed` is more than one value", "one value a line"),
        ("sh\na\x01b\n", (2, 1), "has a character that cannot be printed", "as text"),
        (f"sh\n#\n{'x' * 256}\n", (3, 1), "is longer than 255 bytes", "one value a line"),
        (b"sh\n\xc3\x28\n", (2, 1), "not text: the byte 0xC3", "UTF-8"),
        (
            "".join(f"{number}\n" for number in range(MOST_VALUES + 1)),
            (MOST_VALUES + 1, 1),
            "the list `bad` has more than 200,000 values",
            "split the file",
        ),
    ],
)
def test_a_bad_line_is_one_error_at_its_place(
    loaded: Load, content: str | bytes, place: tuple[int, int], message: str, hint: str
) -> None:
    found = only_error(loaded(content))

    assert ("bad.txt", place) == found[:2]
    assert message in found[2]
    assert hint in found[3]


def test_many_bad_lines_are_not_all_reported(loaded: Load) -> None:
    result = loaded("a b\n" * 1_000)

    assert 20 == sum(one.code.is_error for one in result.report.problems())


def test_a_value_that_does_not_fit_the_field_is_an_error_in_its_line(loaded: Load) -> None:
    file, place, message, hint = only_error(loaded("# numbers\n0\nroot # no\n", "proc.pid in (bad)"))

    assert ("bad.txt", (3, 1)) == (file, place)
    assert "proc.pid is of type int" in message
    assert "correct the line, or take it out of the list `bad`" == hint


def test_a_value_of_a_list_in_a_list_is_found_in_its_file(loaded: Load) -> None:
    more = "- list: outer\n  items: [bad]\n- rule: B\n  desc: b\n  condition: evt.type = open and proc.pid in (outer)\n"
    more += '  output: "%proc.name"\n  priority: INFO\n'

    assert ("bad.txt", (2, 2)) == only_error(loaded("0\n'a b'\n", more=more))[:2]


def test_a_missing_file_is_one_error_at_the_key(loaded: Load, tmp_path: Path) -> None:
    loaded("sh\n")
    (tmp_path / "lists/bad.txt").unlink()
    file, place, message, hint = only_error(load([tmp_path / "rules.yaml"], registry()))

    assert ("rules.yaml", (3, 15)) == (file, place)
    assert f"cannot read {tmp_path}/lists/bad.txt: no such file or directory" == message
    assert "relative to the rules file" in hint


def test_items_and_a_file_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("- list: a\n  items: [b]\n  items_from: bad.txt\n")
    file, place, message, hint = only_error(load([tmp_path / "rules.yaml"], registry()))

    assert ("rules.yaml", (3, 15), "`items` and `items_from` exclude each other") == (file, place, message)
    assert "keep one of them" in hint


def test_an_empty_file_is_an_empty_list(loaded: Load) -> None:
    assert condition(loaded("# none yet\n")).endswith("in ()")


def test_lists_from_files_may_be_longer_than_conditions(loaded: Load) -> None:
    result = loaded("".join(f"{number:08}.example.org\n" for number in range(100_000)))

    assert 100_000 == len(result.rules.lists[0].compiled)
    assert result.ok


def test_a_description_names_the_file(loaded: Load, tmp_path: Path) -> None:
    (entry,) = describe_rules(loaded("sh\n"), registry())["lists"]

    assert [f"{tmp_path}/lists/bad.txt"] == entry["info"]["items_from"]


def test_the_files_of_lists_are_listed_whether_they_exist_or_not(loaded: Load, tmp_path: Path) -> None:
    loaded("sh\n")
    (tmp_path / "other.yaml").write_text("- list: a\n  items_from: /none/at/all\n")
    (tmp_path / "broken.yaml").write_text("- list: a\n  items_from: b\n- [")

    assert [Path("/none/at/all"), tmp_path / "lists/bad.txt"] == [*list_files([tmp_path])]
