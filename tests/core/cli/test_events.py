"""`mozu events`: the types of events, as rules name them."""

import json
from collections.abc import Callable

import pytest

from mozu.core.cli import invoke

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = invoke(["events", *arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def test_every_type_of_the_kernel_has_a_line_with_its_parameters(run: Run) -> None:
    code, text, _ = run()

    rows = [line.split(maxsplit=3) for line in text.splitlines() if line[:1].strip()]
    assert 0 == code
    assert ["openat", "file", "yes"] in [row[:3] for row in rows]
    assert next(row[3] for row in rows if row[0] == "openat").startswith("fd (fd), dirfd (fd), name (fsrelpath)")


@pytest.mark.parametrize(
    ("pattern", "named"), [("openat", {"openat", "openat2"}), ("openat?", {"openat2"}), ("procexit", {"procexit"})]
)
def test_a_pattern_chooses(run: Run, pattern: str, named: set[str]) -> None:
    code, text, _ = run(pattern, "--json")

    assert (0, named) == (code, {one["name"] for one in json.loads(text)})


def test_names_of_flags_are_those_that_rules_test(run: Run) -> None:
    (event,) = json.loads(run("openat", "--json")[1])[:1]

    (flags,) = (param for param in event["params"] if param["name"] == "flags")
    assert "O_TRUNC" in flags["names"]


def test_what_fits_nothing_is_said(run: Run) -> None:
    assert (1, "", "mozu: no event type fits\n") == run("zzz")
