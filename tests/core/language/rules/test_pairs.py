"""Pairs of input and expected outcome for the passes that a rule goes through."""

import pytest

from mozu.core.language.conditions import unparse
from mozu.core.language.rules import LoadResult
from tests.core.language.rules.pairing import pairs
from tests.core.language.rules.small import loaded


def _problems(result: LoadResult) -> str:
    lines: list[str] = []
    for problem in result.report.problems():
        line, column = problem.place
        lines.append(f"{problem.file}:{line}:{column} {problem.code.value} {problem.message}")
        if problem.hint:
            lines.append(f"  help: {problem.hint}")
    return "\n".join(lines)


@pytest.mark.parametrize(("given", "expected"), pairs("resolved.txt"))
def test_conditions_are_resolved(given: str, expected: str) -> None:
    result = loaded(*given.split("\n%%\n"))

    assert result.ok, result.report.verbose()
    assert expected == unparse(result.rules.rules[-1].checked.node)


@pytest.mark.parametrize(("given", "expected"), pairs("problems.txt"))
def test_problems_are_reported_with_their_place(given: str, expected: str) -> None:
    result = loaded(*given.split("\n%%\n"))

    assert expected == _problems(result)
