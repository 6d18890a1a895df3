"""Explanations as text: a line for each clause, with its truth before it and the values that its test read after it."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import click

from mozu.core.cli.terminal import columns, paragraph, safe, use_colours, width
from mozu.core.cli.why.evaluator import MOST, Explanations
from mozu.core.cli.why.explanation import Explanation, ref_of
from mozu.core.language.conditions import OperandValue
from mozu.core.language.rules import ExplainedClause
from mozu.core.model.alert import render_value

_GREEN, _RED, _DIM, _BOLD = "32", "31", "2", "1"
_WORDS: Final = {
    "kernel_filter": "never asked in a run",
    "earlier_rule": "no alert in a run",
    "shadow": "no alert in a run",
}
"""First words of reasons; other reasons begin with `never asked`."""
_INDENT: Final = "  "
_LEAST: Final = 20
"""Least number of columns for the right half of a line; with fewer it gets a line of its own."""
_LONGEST: Final = 2_000
"""Characters of a value or a test."""
_MOST_HOLDING: Final = 3
_DEEPEST: Final = 40
"""Levels that are indented."""


class ExplanationText:
    """Writes findings. `colours`: escape sequences of a terminal."""

    def __init__(self, *, colours: bool, limit: int | None = None) -> None:
        self._colours, self._limit = colours, width() if limit is None else limit

    def lines(self, findings: Explanations) -> Iterator[str]:
        """Every explanation, then what was left out."""
        for number, explanation in enumerate(findings.explanations):
            if number:
                yield ""
            yield from self.explanation(explanation, nearest=findings.nearest)
        if findings.matches > len(findings.explanations):
            yield ""
            yield f"{findings.matches:,} events match; the first {MOST} are explained"
        elif findings.nearest:
            yield ""
            yield paragraph(
                f"None of the {findings.possible:,} events that the rule can match does (of {findings.seen:,} in all); "
                "this one comes nearest.", self._limit,
            )  # fmt: skip

    def explanation(self, found: Explanation, *, nearest: bool = False) -> Iterator[str]:
        """Yield the lines about one event."""
        file, line = found.rule.context.source.name, found.rule.context.source.place(found.rule.context.offset)[0] + 1
        yield self._coloured(f"{safe(found.rule.name)}: {_verdict(found)}", _BOLD)
        yield f"rule   {safe(file)}:{line}"
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(found.time // 10**9))
        comes = ", which comes nearest" if nearest else ""
        yield f"event  {found.number}, {safe(found.type)}, at {moment}.{found.time % 10**9:09d}Z{comes}"
        for value in found.about:
            yield self._clipped(f"       {value.name}: {_shown(value)}")
        if found.output:
            yield self._clipped(f"alert  {safe(found.message)}")
        for reason in found.unasked:
            yield paragraph(f"{_WORDS.get(reason.kind, 'never asked')}: {reason.text}", self._limit)
        if found.clauses:
            yield ""
            short = _short_names(found)
            for one in found.clauses:
                yield from self._clause(one, short)

    def _clause(self, one: ExplainedClause, files: Mapping[str, str]) -> Iterator[str]:
        mark = ">" if one.decides else " "
        truth = self._coloured("true ", _GREEN) if one.truth else self._coloured("false", _RED)
        left = f"{_INDENT * min(one.depth, _DEEPEST)}{_name(one)}"
        right = _behind(one, files)
        text = self._coloured(left, _BOLD) if one.decides and not one.clause.children else left
        start = f"{mark} {truth}  {text}"
        used = 9 + columns(left)
        if not right:
            yield start
        elif not self._limit or used + 2 + columns(right) <= self._limit:
            yield f"{start}  {self._coloured(right, _DIM)}"
        else:
            yield start
            room = max(self._limit - 9 - 2 * one.depth - 4, _LEAST)
            indent = " " * (9 + len(_INDENT) * min(one.depth, _DEEPEST) + 2)
            yield indent + self._coloured(right if columns(right) <= room else f"{right[: room - 1]}…", _DIM)

    def _clipped(self, text: str) -> str:
        return text if not self._limit or columns(text) <= self._limit else f"{text[: self._limit - 1]}…"

    def _coloured(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text


def print_findings(findings: Explanations) -> None:
    """Print the findings to the standard output."""
    report = ExplanationText(colours=use_colours())
    for line in report.lines(findings):
        click.echo(line)


def _verdict(found: Explanation) -> str:
    if not found.matches:
        return "does not match"
    return "matches, and raises no alert" if found.unasked else "matches"


def _name(one: ExplainedClause) -> str:
    clause = one.clause
    return clause.kind if not clause.text else safe(_short(clause.text))


def _short_names(found: Explanation) -> dict[str, str]:
    """Return file → name without folders, if no other file has that name; else the path."""
    files = {one.clause.place[0] for one in found.clauses}
    names = Counter(file.rpartition("/")[2] for file in files)
    return {file: name if names[name := file.rpartition("/")[2]] == 1 else file for file in files}


def _behind(one: ExplainedClause, files: Mapping[str, str]) -> str:
    """Return the end of a clause's line: the values of a test, or kind and place of a named item."""
    clause = one.clause
    if clause.kind == "test":
        names = [f"{value.name} " if len(one.values) > 1 else "" for value in one.values]
        parts = [f"{name}{_is(value)}" for name, value in zip(names, one.values, strict=True)]
        if one.holding and [_shown(value) for value in one.values] != list(one.holding):
            parts.append(f"holds for {', '.join(map(safe, one.holding[:_MOST_HOLDING]))}")
        return _short("; ".join(parts))
    if clause.kind == "macro":
        inner = clause.children[0]
        file, line, _ = inner.place
        return f"macro, {safe(files[file])}:{line}"
    if clause.kind == "not" and clause.exception:
        return f"exception {safe(clause.exception)}"
    return ""


def _is(value: OperandValue) -> str:
    return "has no value" if value.value is None else f"is {_shown(value)}"


def _shown(value: OperandValue) -> str:
    ref = ref_of(value)
    return safe(_short(_text(value, ref.type, ref.format)))


def _text(value: OperandValue, kind: str, form: str) -> str:
    """Return the text as outputs print it; networks as the address that is compared."""
    return render_value(value.value, "ipaddr" if kind == "ipnet" else kind, form)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
