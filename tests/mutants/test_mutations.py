import pytest

from tests.mutants.c_mutations import c_mutations
from tests.mutants.choice import places
from tests.mutants.python_mutations import python_mutations
from tests.mutants.reached import Reached
from tests.support.requirements import ROOT


def changed(source: str) -> set[str]:
    """Return every line that a mutation makes of a file."""
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


@pytest.mark.parametrize("line", ["u32 used[2];", "u32 owed[2], open[2];", "struct account *one, *other;", "u64 a;"])
def test_declarations_of_c_are_left_as_they_are(line: str) -> None:
    assert [] == [*c_mutations(f"struct a {{\n  {line}\n}};\n")]


@pytest.mark.parametrize("line", ["return 0;", "u32 used = 2;", "f(x, 2);", "return a[0];"])
def test_statements_of_c_that_look_like_declarations_are_changed(line: str) -> None:
    assert [] != [*c_mutations(f"void f(void) {{\n  {line}\n}}\n")]


def test_pointers_are_no_operators() -> None:
    assert [] == [*c_mutations("  x->y = &z; *p = -q;\n")]


def test_every_file_has_tests() -> None:
    for file in sorted((ROOT / "core").rglob("*.py")):
        for place in places(ROOT, str(file.relative_to(ROOT))):
            assert (ROOT / place).exists()


SOURCE = """\
LIMIT = 3

def f(x):
    if x:
        return g(
            x, LIMIT)
    return 0
"""
REACHED = Reached(
    seconds={"tests/test_a.py::one": 2.0, "tests/test_b.py::two": 1.0, "tests/test_b.py::three": 3.0},
    lines={"a.py": {1: [""], 3: [""], 4: ["tests/test_a.py::one", "tests/test_b.py::two"], 5: ["tests/test_b.py::two"],
                    7: ["tests/test_a.py::one", "tests/test_b.py::failing"]}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (4, ["tests/test_a.py::one", "tests/test_b.py::two"]),
        (6, ["tests/test_b.py::two"]),
        (7, ["tests/test_a.py::one"]),
        (1, ["tests/test_a.py::one", "tests/test_b.py::two"]),
    ],
    ids=["nearest first", "a statement of two lines", "without tests that fail anyway", "what imports execute"],
)
def test_a_mutation_meets_the_tests_that_reach_its_statement(line: int, expected: list[str]) -> None:
    assert expected == REACHED.tests("a.py", SOURCE, line, ["tests/test_a.py"])


def test_a_line_that_no_test_reaches_has_no_tests() -> None:
    assert [] == Reached().tests("a.py", SOURCE, 4, [])


def test_of_a_file_that_only_imports_execute_every_test_may_notice_a_change() -> None:
    reached = Reached(seconds={"tests/t.py::one": 1.0, "tests/test_a.py::two": 2.0}, lines={"a.py": {1: [""], 2: [""]}})
    assert ["tests/test_a.py::two", "tests/t.py::one"] == reached.tests(
        "a.py", "A = 1\nB = 2\n", 1, ["tests/test_a.py"]
    )


def test_quick_tests_come_first_and_long_ones_have_an_end() -> None:
    tests = {f"tests/t.py::{number}": 5.0 - number for number in range(5)} | {"tests/t.py::long": 30.0}
    assert [f"tests/t.py::{number}" for number in (4, 3, 2, 1, 0)] == Reached(
        seconds=tests, lines={"a.py": {4: [*tests]}}
    ).tests("a.py", SOURCE, 4, [])
