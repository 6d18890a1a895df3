"""The report of a load: errors and warnings per file, as text for people and as JSON for programs."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mozu.core.language.rules.problem import ProblemContext, RuleProblem
from mozu.core.language.rules.source import SourceFile
from mozu.core.model.value_types import JsonObject

_MOST: Final = 1_000
"""Maximum number of problems kept for one file; the rest is counted."""


class FileReport:
    """Problems of one file. The same problem is kept once."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.problems: list[RuleProblem] = []
        self.unshown = 0
        self._failed = False
        self._seen: set[object] = set()

    @property
    def name(self) -> str:
        """The path as given."""
        return self.source.name

    @property
    def ok(self) -> bool:
        """True if the file has no error."""
        return not self._failed

    @property
    def errors(self) -> list[RuleProblem]:
        """Errors in file order."""
        return self._sorted(is_error=True)

    @property
    def warnings(self) -> list[RuleProblem]:
        """Warnings in file order."""
        return self._sorted(is_error=False)

    def add(self, problem: RuleProblem) -> None:
        """Add a problem, unless it is known."""
        if problem.key in self._seen:
            return
        self._failed = self._failed or problem.code.is_error
        if len(self.problems) >= _MOST:
            self.unshown += 1
            return
        self._seen.add(problem.key)
        self.problems.append(problem)

    def include(self, other: "FileReport") -> None:
        """Add the problems of another report of this file."""
        for problem in other.problems:
            self.add(problem)
        self.unshown = max(self.unshown, other.unshown)

    def _sorted(self, *, is_error: bool) -> list[RuleProblem]:
        chosen = [problem for problem in self.problems if problem.code.is_error == is_error]
        return sorted(chosen, key=lambda problem: problem.offset)

    def as_dict(self) -> JsonObject:
        """Return the object that Falco's validation prints for a file. Lines and columns count from 0."""
        return {
            "name": self.name,
            "successful": self.ok,
            "errors": [_as_dict(problem) for problem in self.errors],
            "warnings": [_as_dict(problem) for problem in self.warnings],
        }

    def brief(self) -> str:
        """Return one line, and one more for errors and for warnings if there are any."""
        lines = [self._verdict()]
        for word, problems in (("errors", self.errors), ("warnings", self.warnings)):
            if problems:
                codes = " ".join(f"{problem.code.value} ({problem.code.title})" for problem in problems)
                lines.append(f" {len(problems)} {word}: [{codes}]")
        return "\n".join(lines)

    def verbose(self) -> str:
        """Return the verdict, and a paragraph for each problem."""
        lines = [self._verdict()]
        for word, problems in (("Errors", self.errors), ("Warnings", self.warnings)):
            if problems:
                lines.append(f"{len(problems)} {word}:")
                lines.extend(_paragraph(problem) for problem in problems)
        if self.unshown:
            lines.append(f"and {self.unshown:,} more")
        return "\n".join(lines)

    def _verdict(self) -> str:
        if not self.ok:
            return f"{self.name}: Invalid"
        return f"{self.name}: Ok, with warnings" if self.problems else f"{self.name}: Ok"


class Report:
    """The reports of all files of a load, in load order."""

    def __init__(self) -> None:
        self.files: list[FileReport] = []

    @property
    def ok(self) -> bool:
        """True if no file has an error."""
        return all(file.ok for file in self.files)

    def open(self, source: SourceFile) -> FileReport:
        """Begin the report of the next file."""
        report = FileReport(source)
        self.files.append(report)
        return report

    def add(self, problem: RuleProblem) -> None:
        """Add a problem to the report of its file."""
        source = problem.context.source
        for file in self.files:
            if file.source is source:
                file.add(problem)
                return
        self.open(source).add(problem)

    def extend(self, problems: Iterable[RuleProblem]) -> None:
        """Add each problem."""
        for problem in problems:
            self.add(problem)

    def include(self, other: "Report") -> None:
        """Add the problems of another load. A file read by both has one report, with the problems of both."""
        for file in other.files:
            mine = next((one for one in self.files if one.name == file.name), None) or self.open(file.source)
            mine.include(file)

    def problems(self) -> Iterator[RuleProblem]:
        """Yield errors of all files first, then warnings."""
        for file in self.files:
            yield from file.errors
        for file in self.files:
            yield from file.warnings

    def as_dict(self) -> JsonObject:
        """Return the object that `mozu check --json` prints."""
        return {"falco_load_results": [file.as_dict() for file in self.files]}

    def as_json(self) -> str:
        """Return the object of `as_dict` as JSON text, one line."""
        return msgspec.json.encode(self.as_dict()).decode()

    def verbose(self) -> str:
        """Return every file's verdict and problems."""
        return "\n".join(file.verbose() for file in self.files)

    def refusal(self) -> str:
        """Return verdict and problems of the files with an error; empty if there is none."""
        return "\n".join(file.verbose() for file in self.files if not file.ok)

    def brief(self) -> str:
        """Return every file's verdict and codes."""
        return "\n".join(file.brief() for file in self.files)


def _as_dict(problem: RuleProblem) -> JsonObject:
    locations = [_location(link, link.offset) for link in problem.context.chain()]
    if problem.expression is not None:
        line, column = problem.expression.place()
        locations.append(
            {
                "item_type": problem.expression.type,
                "item_name": "",
                "position": {
                    "name": problem.expression.name,
                    "line": line,
                    "column": column,
                    "offset": problem.expression.offset,
                },
            }
        )
    form: JsonObject = {
        "context": {"locations": locations, "snippet": problem.snippet + "\n"},
        "code": problem.code.value,
        "codedesc": problem.code.description,
        "message": problem.message,
    }
    if problem.deprecated_field:
        form["deprecated_field"] = problem.deprecated_field
    return form


def _location(link: ProblemContext, offset: int) -> JsonObject:
    line, column = link.source.place(offset)
    position: JsonObject = {"name": link.source.name, "line": line, "column": column, "offset": offset}
    return {"item_type": link.type, "item_name": link.name, "position": position}


def _paragraph(problem: RuleProblem) -> str:
    """Return a paragraph: the place (clickable), the items around it, the line with its caret, the message, the
    hint."""
    line, column = problem.place
    chain = [_step(link.type, link.name) for link in problem.context.chain()[1:]]
    if problem.expression is not None:
        chain.append(problem.expression.type)
    lines = [f"{problem.file}:{line}:{column}: {problem.code.value} ({problem.code.title}): {problem.message}"]
    if chain:
        lines.append("In " + ", ".join(chain))
    lines += ["------", problem.snippet, "------"]
    if problem.hint:
        lines.append(f"help: {problem.hint}")
    return "\n".join(lines)


def _step(type_: str, name: str) -> str:
    return f"{type_} '{name}'" if name else type_
