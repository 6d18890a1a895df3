import pytest

from tests.mutants.c_mutations import c_mutations
from tests.mutants.choice import stages
from tests.mutants.python_mutations import python_mutations
from tests.support.requirements import ROOT


def changed(source: str) -> set[str]:
    """Every line that a mutation makes of a file."""
    found = set()
    for mutation in python_mutations(source):
        lines = mutation.applied(source).splitlines()
        assert len(lines) == len(source.splitlines())
        found.add(lines[mutation.line - 1].strip())
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a is not None", {"x = a is None"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a + b", {"x = a - b"}),
        ("x = a and b", {"x = a or b"}),
        ("x = not a", {"x = a"}),
        ("x = 3", {"x = 4"}),
        ("x = True", {"x = False"}),
        ("x += y", {"pass"}),
        ("work(y)", {"pass"}),
        ("del x[y]", {"pass"}),
    ],
)
def test_a_line_of_python_is_changed_in_what_it_does(line: str, expected: set[str]) -> None:
    assert expected == changed(f"{line}\n")


@pytest.mark.parametrize(
    "line",
    ['"""A text."""', "import os", "assert x > 3", 'raise ValueError("1" + x)', "x: int", 'log.info("x")', "x = 'a'"],
)
def test_what_only_declares_or_tells_is_left_as_it_is(line: str) -> None:
    assert set() == changed(f"{line}\n")


def test_what_a_function_gives_back_becomes_nothing() -> None:
    assert {"return None"} == changed("def f(x: int) -> int:\n    return x\n")


def test_columns_are_those_of_characters() -> None:
    assert {"x = 'ü' in b"} == changed("x = 'ü' not in b\n")


def test_lines_of_c_are_changed_but_not_comments_and_directives() -> None:
    source = "#define A 1\n/* a < b\n  c && d */\nint f(void) {\n  if (a < b && c) return 0;\n}\n"
    found = {mutation.applied(source).splitlines()[4].strip() for mutation in c_mutations(source)}
    assert {
        "if (a <= b && c) return 0;", "if (a < b || c) return 0;", "if (a < b && c) return 1;",
    } == found  # fmt: skip


def test_pointers_are_no_operators() -> None:
    assert [] == [*c_mutations("  x->y = &z; *p = -q;\n")]


def test_tests_of_a_file_come_nearest_first() -> None:
    assert [["tests/core/state/test_exec.py"], ["tests/core/state"]] == stages(
        ROOT, "core/state/transitions/exec.py", further=False
    )


def test_every_file_has_tests() -> None:
    for file in sorted((ROOT / "core").rglob("*.py")):
        assert stages(ROOT, str(file.relative_to(ROOT)), further=True)
