"""The answers to an editor's questions, in the form of `core.api.rule_workspace`."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mozu.core.api.rule_workspace import (
    Completion,
    Edit,
    FindingKind,
    Findings,
    Hover,
    Position,
    RenameRefused,
    RuleFinding,
    Span,
)
from mozu.core.language.rules import Report, RuleProblem, SourceFile, located
from mozu.core.language.rules.files import SHIPPED
from mozu.core.language.rules.loading import known_sources
from mozu.core.language.workspace.analysis import Analysis, event_types
from mozu.core.language.workspace.completion import proposals
from mozu.core.language.workspace.hover import meaning
from mozu.core.language.workspace.names import definitions
from mozu.core.language.workspace.naming import name_at, places_of, refusal
from mozu.core.language.workspace.texts import Texts
from mozu.core.language.workspace.uses import NameUse
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
        source = self._texts.readable(file)
        begin = source.offset(number, 0)
        end = source.text.find("\n", begin)
        return source.text[begin : len(source.text) if end < 0 else end]

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

    def rules(self, file: str) -> Sequence[tuple[str, Span]]:
        """Return the rules of a file with the places of their names."""
        found = [one for one in definitions(self._texts.text(file)) if one.kind == "rule"]
        return [(one.name, self._span_in(file, one.start, one.end)) for one in found]

    def name(self, file: str, at: Position) -> Span | None:
        """Return the place of a name; see `RuleWorkspace.name`."""
        view, source = self._view(file, at)
        found = name_at(view)
        return None if found is None else _span(source, found.start, found.end)

    def definitions(self, file: str, at: Position) -> Sequence[Span]:
        """Return the names of the items that define or change it."""
        return self._places(file, at, definition=True)

    def references(self, file: str, at: Position) -> Sequence[Span]:
        """Return the other places that name it."""
        return self._places(file, at, definition=False)

    def rename(self, file: str, at: Position, name: str) -> Sequence[Edit]:
        """Return the edits of a new name; see `RuleWorkspace.rename`."""
        view, _ = self._view(file, at)
        wanted = name_at(view)
        if wanted is None:
            raise RenameRefused("there is no name of a macro, a list or a shared exception here")
        places = list(places_of(view, wanted))
        reason = refusal(view, wanted, name) or self._foreign(one for one, _ in places)
        if reason:
            raise RenameRefused(reason)
        edits = [Edit(self._span_in(one, use.start, use.end), name) for one, use in places]
        self._check(view, places, name)
        return edits

    def _foreign(self, files: Iterable[str]) -> str:
        """Return a sentence if one of the files is not the user's to change."""
        shipped = str(located(SHIPPED))
        found = next((file for file in files if file.startswith(shipped) or not os.access(file, os.W_OK)), None)
        return "" if found is None else f"{found} names it as well, and is not yours to change"

    def _check(self, view: CursorView, places: Sequence[tuple[str, NameUse]], name: str) -> None:
        """Raise RenameRefused if a rule would mean something else, or would not compile any more."""
        analysis = Analysis(self._fields, strict=False)
        before = analysis.meanings([self._texts.source(file) for file in view.texts])
        changed = [SourceFile(file, _renamed(text, places, file, name)) for file, text in view.texts.items()]
        after = analysis.meanings(changed)
        rule = next((rule for rule, text in before.items() if after.get(rule) != text), None)
        if rule is not None:
            raise RenameRefused(f"the rule `{rule}` would no longer mean the same; rename by hand")

    def _places(self, file: str, at: Position, *, definition: bool) -> Sequence[Span]:
        view, _ = self._view(file, at)
        wanted = name_at(view)
        found = [] if wanted is None else places_of(view, wanted)
        return [self._span_in(one, use.start, use.end) for one, use in found if use.is_definition is definition]

    def _span_in(self, file: str, start: int, end: int) -> Span:
        return _span(self._texts.readable(file), start, end)

    def _view(self, file: str, at: Position) -> tuple[CursorView, SourceFile]:
        source = self._texts.readable(file)
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


def _renamed(text: str, places: Sequence[tuple[str, NameUse]], file: str, name: str) -> str:
    for _, use in sorted((one for one in places if one[0] == file), key=lambda one: -one[1].start):
        text = text[: use.start] + name + text[use.end :]
    return text


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
