"""Test files → tests: YAML items `rules`, `given` and `test`, every mistake with its place."""

import re
import shlex
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from pathlib import Path
from typing import Final

from mozu.core.errors import Problem
from mozu.core.language.rules.files import read_file
from mozu.core.language.rules.problem import ItemRefused
from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence, YamlError, documents
from mozu.core.rule_tests.document import (
    Act,
    Expected,
    Fields,
    GivenFields,
    GivenValue,
    NamedRule,
    RuleTest,
    RuleTestFile,
)

_EVENTS: Final = ("event", "events", "scene", "run", "recording")
_IN_SCENE: Final = ("at", "event", "alert", "times", "every")
_UNITS: Final = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
_MOST: Final = 10_000
"""Most events that `times` may stand for."""
_KEYS: Final = ("test", "source", "given", *_EVENTS, "under", "match", "quiet", "output", "fields")
_IN_BRACES: Final = "between braces put what holds a comma, a colon or a bracket in quotes, or write a field a line"
SOURCES: Final = ("ptrace", "ebpf")
"""Sources for acts."""


class _Mistake(Exception):
    """A mistake in an item, with its offset. Caught at the item."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


def read_tests(path: Path) -> RuleTestFile:
    """Return the tests of a file. Raises nothing for the file's content."""
    try:
        return _Reader(read_file(path), path.parent).read()
    except ItemRefused as refused:
        problem = refused.problems[0]
        line, column = problem.place
        found = Problem.at(str(path), line, column, problem.message)
        return RuleTestFile(problem.context.source, (), (), (found,))


class _Reader:
    def __init__(self, text: SourceFile, folder: Path) -> None:
        self._text, self._folder = text, folder
        self._rules: list[str] = []
        self._given: dict[str, GivenValue] = {}
        self._tests: dict[str, RuleTest] = {}
        self._problems: list[Problem] = []

    def read(self) -> RuleTestFile:
        """Read all items."""
        try:
            for root in documents(self._text):
                self._document(root)
        except YamlError as error:
            hint = error.hint or (_IN_BRACES if "flow" in error.message else "")
            self._add(_Mistake(error.message + (f"; {hint}" if hint else ""), error.offset))
        rules = tuple(self._rules) or (str(self._folder),)
        return RuleTestFile(self._text, rules, tuple(self._tests.values()), tuple(self._problems))

    def _document(self, root: Node) -> None:
        if not isinstance(root, Sequence):
            at = root.offset
            self._add(_Mistake("a test file is a list of items; begin each with `- test: NAME`", at))
            return
        for item in root.items:
            try:
                self._item(item)
            except _Mistake as mistake:
                self._add(mistake)

    def _add(self, mistake: _Mistake) -> None:
        line, column = self._text.place(mistake.offset)
        self._problems.append(Problem.at(self._text.name, line + 1, column + 1, mistake.message))

    def _item(self, item: Node) -> None:
        if not isinstance(item, Mapping):
            raise _Mistake("an item is a mapping; begin it with `- test:`, `- given:` or `- rules:`", item.offset)
        keys = _keys(item)
        if "test" in keys:
            self._test(keys, item.offset)
        elif "given" in keys:
            _only(keys, ("given",), "an item `given`")
            self._given = {**self._given, **_fields(keys["given"][1], "given")}
        elif "rules" in keys:
            _only(keys, ("rules",), "an item `rules`")
            self._rules += [self._located(text) for text in _texts(keys["rules"][1], "rules")]
        else:
            raise _Mistake("an item has one of the keys `test`, `given` and `rules`", item.offset)

    def _located(self, text: str) -> str:
        return text if text.startswith("package:") else str(self._folder / text)

    def _test(self, keys: Map[str, tuple[int, Node]], offset: int) -> None:
        name = _text(keys["test"][1], "test")
        _only(keys, _KEYS, f"the test `{name}`")
        if name in self._tests:
            line = self._text.place(self._tests[name].offset)[0] + 1
            raise _Mistake(f"the test `{name}` is there already, in line {line}; give it another name", offset)
        what = [key for key in _EVENTS if key in keys]
        if len(what) != 1:
            said = f"has {' and '.join(f'`{key}`' for key in what)}" if what else "says nothing of what happens"
            raise _Mistake(f"the test `{name}` {said}; give it one of {', '.join(_EVENTS)}", offset)
        given = _fields(keys["given"][1], "given") if "given" in keys else {}
        events = tuple(_scene(keys["scene"][1]) if "scene" in keys else _events(what[0], keys))
        self._tests[name] = RuleTest(
            name=name,
            offset=offset,
            expected=_expected(name, keys, offset, events),
            source=_text(keys["source"][1], "source") if "source" in keys else "",
            given={**self._given, **given},
            events=events,
            is_scene="scene" in keys,
            act=_act(keys),
            recording=self._folder / _text(keys["recording"][1], "recording") if "recording" in keys else None,
        )


def _keys(item: Mapping) -> dict[str, tuple[int, Node]]:
    """Return key → (offset of the key, value)."""
    found: dict[str, tuple[int, Node]] = {}
    for key, value in item.pairs:
        if not isinstance(key, Scalar):
            raise _Mistake("a key is a text", key.offset)
        if key.text in found:
            raise _Mistake(f"`{key.text}` is there twice; leave one of them out", key.offset)
        found[key.text] = key.offset, value
    return found


def _only(keys: Map[str, tuple[int, Node]], known: tuple[str, ...], what: str) -> None:
    for key, (offset, _) in keys.items():
        if key not in known:
            hint = closest(key, known) or f"it may have {', '.join(known)}"
            raise _Mistake(f"{what} has no key `{key[:60]}`; {hint}", offset)


def _text(node: Node, what: str) -> str:
    if not isinstance(node, Scalar) or node.null or not node.text.strip():
        raise _Mistake(f"`{what}` takes a text", node.offset)
    return " ".join(node.text.split())


def _texts(node: Node, what: str) -> list[str]:
    """Return a list of texts, from one text or a list."""
    nodes = node.items if isinstance(node, Sequence) else [node]
    if not nodes:
        raise _Mistake(f"`{what}` is empty; leave it out, or name something", node.offset)
    return [_text(one, what) for one in nodes]


def _fields(node: Node, what: str) -> dict[str, GivenValue]:
    if not isinstance(node, Mapping):
        example = "{evt.type: openat, fd.name: /etc/shadow}"
        raise _Mistake(f"`{what}` maps fields to values, such as {example}", node.offset)
    return {key: GivenValue(_form(value, key), offset) for key, (offset, value) in _keys(node).items()}


def _form(node: Node, field: str) -> str | tuple[str, ...] | None:
    if isinstance(node, Scalar):
        return None if node.null else node.text
    if isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
        return tuple(item.text for item in node.items if isinstance(item, Scalar))
    raise _Mistake(f"the value of {field[:60]} is a text, a list of texts, or ~ for none", node.offset)


def _events(what: str, keys: Map[str, tuple[int, Node]]) -> Iterator[GivenFields]:
    if what == "event":
        node = keys["event"][1]
        yield GivenFields(_fields(node, "event"), node.offset)
    elif what == "events":
        node = keys["events"][1]
        if not isinstance(node, Sequence) or not node.items:
            raise _Mistake("`events` is a list of events", node.offset)
        for item in node.items:
            yield GivenFields(_fields(item, "events"), item.offset)


def _scene(node: Node) -> Iterator[GivenFields]:
    """Yield the events of a scene; one with `times` as often as that."""
    if not isinstance(node, Sequence) or not node.items:
        raise _Mistake("`scene` is a list of {at: 10s, event: FIELDS}", node.offset)
    for item in node.items:
        keys = _keys(item) if isinstance(item, Mapping) else {}
        _only(keys, _IN_SCENE, "an event of a scene")
        if "event" not in keys or "at" not in keys:
            raise _Mistake("an event of a scene has `at`, a time such as 10s, and `event`", item.offset)
        at, fields = _time(keys["at"][1], "at"), _fields(keys["event"][1], "event")
        alert = tuple(_texts(keys["alert"][1], "alert")) if "alert" in keys else ()
        times = _count(keys["times"][1]) if "times" in keys else 1
        if times > _MOST:
            raise _Mistake(f"`times` is {_MOST:,} at most", keys["times"][0])
        every = _time(keys["every"][1], "every") if "every" in keys else 0
        for number in range(times):
            last = number == times - 1
            yield GivenFields(fields, keys["event"][1].offset, at + number * every, alert if last else ())


def _time(node: Node, what: str) -> int:
    found = re.fullmatch(r"(-?\d{1,9})(ms|s|m|h|d)", node.text) if isinstance(node, Scalar) else None
    if found is None:
        raise _Mistake(f"`{what}` is a time such as 500ms, 10s, 5m, 2h or 1d", node.offset)
    return int(found[1]) * _UNITS[found[2]]


def _act(keys: Map[str, tuple[int, Node]]) -> Act | None:
    under = ""
    if "under" in keys:
        offset, node = keys["under"]
        under = _text(node, "under")
        if "run" not in keys:
            raise _Mistake("`under` says what a command runs under, and there is no `run`", offset)
        if under not in SOURCES:
            raise _Mistake(f"`under` is one of {', '.join(SOURCES)}, not `{under[:60]}`", offset)
    if "run" not in keys:
        return None
    node = keys["run"][1]
    if isinstance(node, Sequence):
        return Act(tuple(_argument(item) for item in node.items), under)
    try:
        return Act(tuple(shlex.split(_text(node, "run"))), under)
    except ValueError as error:
        raise _Mistake(f"`run` cannot be split into words: {error}".lower(), node.offset) from error


def _argument(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise _Mistake("`run` is a command line, or a list of its words", node.offset)
    return node.text


def _expected(name: str, keys: Map[str, tuple[int, Node]], offset: int, events: Iterable[GivenFields]) -> Expected:
    match = tuple(_named(keys["match"][1], "match", counted=True)) if "match" in keys else ()
    if "scene" in keys:
        if match:
            text = "an event of a scene says itself which rule alerts: {at: 9s, event: …, alert: RULE}"
            raise _Mistake(text, keys["match"][0])
        alerts = {rule: one.offset for one in events for rule in one.alert}
        match = tuple(NamedRule(rule, at) for rule, at in alerts.items())
    quiet = tuple(_named(keys["quiet"][1], "quiet")) if "quiet" in keys else ()
    if not match and not quiet:
        raise _Mistake(f"the test `{name}` expects nothing; name rules in `match` or in `quiet`", offset)
    for key in ("output", "fields"):
        if key in keys and len(match) != 1:
            raise _Mistake(f"`{key}` is about one alert: name one rule in `match`", keys[key][0])
    output = _placed(keys["output"][1], "output") if "output" in keys else ()
    fields: Fields = _fields(keys["fields"][1], "fields") if "fields" in keys else {}
    return Expected(match, quiet, tuple(output), fields)


def _placed(node: Node, what: str) -> Iterator[tuple[str, int]]:
    for one in node.items if isinstance(node, Sequence) else [node]:
        yield _text(one, what), one.offset


def _named(node: Node, what: str, *, counted: bool = False) -> Iterator[NamedRule]:
    """Yield the named rules; in `match` also from a mapping of names to numbers of alerts."""
    if isinstance(node, Mapping) and counted:
        for name, (offset, value) in _keys(node).items():
            yield NamedRule(name, offset, _count(value))
        return
    nodes = node.items if isinstance(node, Sequence) else [node]
    for one in nodes:
        yield NamedRule(_text(one, what), one.offset)


def _count(node: Node) -> int:
    if not isinstance(node, Scalar) or not node.text.isdigit() or not int(node.text):
        raise _Mistake("how often a rule matches is a number from 1; name a rule that must not in `quiet`", node.offset)
    return int(node.text)
