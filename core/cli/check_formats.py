"""Findings in rules for programs that show them beside the text: SARIF 2.1.0, annotations of GitHub."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mozu.core.cli.trace.report import SARIF_SCHEMA
from mozu.core.language.rules import RuleProblem
from mozu.core.model.event import printable
from mozu.core.model.value_types import JsonObject

_LEVELS: Final = {"error": "error", "warning": "warning", "advice": "note"}
_GITHUB: Final = {"error": "error", "warning": "warning", "advice": "notice"}


def _kind(problem: RuleProblem) -> str:
    return "error" if problem.code.is_error else "advice" if problem.code.is_advice else "warning"


def _text(problem: RuleProblem) -> str:
    return printable(f"{problem.message}; {problem.hint}" if problem.hint else problem.message)


def sarif(problems: Sequence[RuleProblem]) -> str:
    """Return a log with one run: a rule for each code, a result for each finding. Lines and columns count from 1."""
    codes = list(dict.fromkeys(problem.code for problem in problems))
    rules: list[JsonObject] = [
        {"id": code.value, "shortDescription": {"text": code.title}, "fullDescription": {"text": code.paragraph}}
        for code in codes
    ]
    results: list[JsonObject] = [
        {
            "ruleId": problem.code.value,
            "ruleIndex": codes.index(problem.code),
            "level": _LEVELS[_kind(problem)],
            "message": {"text": _text(problem)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": printable(problem.file)},
                        "region": {"startLine": problem.place[0], "startColumn": problem.place[1]},
                    }
                }
            ],
        }
        for problem in problems
    ]
    driver: JsonObject = {"name": "mozu check", "rules": rules}
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=2)


def github(problems: Sequence[RuleProblem]) -> str:
    """Return a workflow command for each finding, by which GitHub annotates the line."""
    return "\n".join(map(_annotation, problems))


def _annotation(problem: RuleProblem) -> str:
    line, column = problem.place
    where = f"file={_escaped(problem.file)},line={line},col={column},title={problem.code.value}"
    return f"::{_GITHUB[_kind(problem)]} {where}::{_escaped(_text(problem), value=True)}"


def _escaped(text: str, *, value: bool = False) -> str:
    """Escape a property or, with `value`, the message, as GitHub's workflow commands ask."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text if value else text.replace(":", "%3A").replace(",", "%2C")


FORMATS: Final[Mapping[str, Callable[[Sequence[RuleProblem]], str]]] = {"sarif": sarif, "github": github}
"""Name of a format → function from all findings to the text."""
