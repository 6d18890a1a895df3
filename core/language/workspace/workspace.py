"""The answers to an editor's questions, in the form of `core.api.rule_workspace`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mozu.core.api.rule_workspace import Completion, FindingKind, Findings, Hover, Position, RuleFinding, Span
from mozu.core.language.rules import Report, RuleProblem, SourceFile
from mozu.core.language.rules.loading import known_sources
from mozu.core.language.workspace.analysis import Analysis, event_types
from mozu.core.language.workspace.completion import proposals
from mozu.core.language.workspace.hover import meaning
from mozu.core.language.workspace.texts import Texts
from mozu.core.language.workspace.view import CursorView
from mozu.core.model.event import printable
from mozu.core.model.fields import FieldRegistry

_WORD: Final = re.compile(r"""[^\s,()"']+""")


class Workspace:
    """Rule files as an editor has them; see `RuleWorkspace`. `roots` are files and directories in load order."""

    def __init__(self, fields: FieldRegistry, roots: Sequence[str] = (), *, strict: bool = False) -> None:
        self._fields, self._strict = fields, strict
        self._texts = Texts(roots)
        self._analyses: dict[tuple[str, ...], Analysis] = {}
        self._types: Mapping[str, frozenset[str]] = {}

    def put(self, file: str, text: str | None) -> None:
        """Use this text for a file; see `RuleWorkspace.put`."""
        self._texts.put(file, text)

    def line(self, file: str, number: int) -> str:
        """Return a line of a file; see `RuleWorkspace.line`."""
        source = SourceFile(file, self._texts.text(file))
        begin = source.offset(number, 0)
        return source.text[begin : source.text.find("\n", begin) if "\n" in source.text[begin:] else None]

    def findings(self, file: str) -> Iterator[Findings]:
        """Yield the findings of a load; see `RuleWorkspace.findings`."""
        version = self._texts.version
        files = self._texts.together(file)
        if not files:
            return
        analysis = self._analyses.setdefault(tuple(files), Analysis(self._fields, strict=self._strict))
        sources = [self._texts.source(one) for one in files]
        for report, loaded in analysis.reports(sources, lambda: self._texts.version != version):
            self._types = event_types(loaded)
            yield _found(report, files)

    def completions(self, file: str, at: Position) -> Sequence[Completion]:
        """Return the words that can stand at a place."""
        view, source = self._view(file, at)
        offset = view.offset
        spans: dict[int, Span] = {}
        found = []
        for one in proposals(view):
            span = spans.get(one.start)
            if span is None:
                span = spans[one.start] = _span(source, one.start, offset)
            found.append(Completion(one.kind, one.label, span, one.text, one.detail, one.doc))
        return found

    def hover(self, file: str, at: Position) -> Hover | None:
        """Return the meaning of the word at a place."""
        view, source = self._view(file, at)
        found = meaning(view)
        return None if found is None else Hover(_span(source, found.start, found.end), found.text)

    def _view(self, file: str, at: Position) -> tuple[CursorView, SourceFile]:
        source = SourceFile(file, self._texts.text(file))
        files = self._texts.together(file) or [file]
        view = CursorView(
            text=source.text,
            offset=offset_of(source, at),
            fields=self._fields,
            texts={one: self._texts.text(one) for one in files},
            types=self._types,
            sources=known_sources(self._fields),
        )
        return view, source


def offset_of(source: SourceFile, at: Position) -> int:
    """Return the offset of a place; for one behind its line, the end of the line."""
    begin = source.offset(at.line, 0)
    end = source.text.find("\n", begin)
    return min(begin + at.column, len(source.text) if end < 0 else end)


def _span(source: SourceFile, start: int, end: int) -> Span:
    return Span(source.name, Position(*source.place(start)), Position(*source.place(end)))


def _found(report: Report, files: Sequence[str]) -> Findings:
    found: dict[str, list[RuleFinding]] = {file: [] for file in files}
    for problem in report.problems():
        found.setdefault(problem.file, []).append(_finding(problem))
    return found


def _finding(problem: RuleProblem) -> RuleFinding:
    source = problem.context.source
    word = _WORD.match(source.text, problem.offset)
    end = min(problem.offset + 1, len(source.text)) if word is None else word.end()
    is_advice = problem.code.is_advice
    kind = FindingKind.ERROR if problem.code.is_error else FindingKind.ADVICE if is_advice else FindingKind.WARNING
    text = printable(f"{problem.message}; {problem.hint}" if problem.hint else problem.message)
    return RuleFinding(_span(source, problem.offset, max(end, problem.offset)), kind, problem.code.value, text)
