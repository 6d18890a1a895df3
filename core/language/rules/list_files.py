"""Lists from files (`items_from`): one value a line, with comments; their paths for the watch of a run.

A value becomes an item as `items` would have it, in quotes if the language needs them: no value of a file can end the
list that it stands in.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.values import MAX_TEXT
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.files import expand, located, read_file
from mozu.core.language.rules.items import Item, ListItem
from mozu.core.language.rules.mapping import Add
from mozu.core.language.rules.problem import ItemRefused, ProblemContext, RuleProblem
from mozu.core.language.rules.reader import read
from mozu.core.language.rules.tree import Scalar

MOST_VALUES: Final = 200_000
"""Maximum number of values of a file."""
LARGEST: Final = 16 << 20
"""Maximum bytes of a file: as many as the watch of files compares."""
_KEY: Final = "items_from"
_MOST_PROBLEMS: Final = 20
"""Maximum number of lines of a file that are reported."""
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_QUOTED: Final = re.compile(r"\"([^\"]+)\"|'([^']+)'")


def with_list_files(items: Iterable[Item], add: Add) -> Iterator[Item]:
    """Yield the items of a rules file, lists from files with their values. Errors of such a file are reported; its list
    has the values before them, so that tests with it are not errors too."""
    for item in items:
        yield _filled(item, item.file, add) if isinstance(item, ListItem) and item.file is not None else item


def list_files(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Yield the files that lists in these rule files and directories take their values from, existing or not."""
    for path in expand(paths):
        try:
            source = read_file(path)
        except ItemRefused:  # the load reports it
            continue
        if _KEY in source.text:
            for item in read(source, lambda _: None):
                if isinstance(item, ListItem) and item.file is not None:
                    yield _path(item, item.file)


def line_of(content: ProblemContext, item: str) -> int | None:
    """Return the offset of the value in the content of a list's file; None if the file does not have it."""
    value = item if tokens.BARESTR.fullmatch(item) else tokens.unescape(item[1:-1], item[0])
    line = re.compile(rf"^[ \t]*(?P<quote>[\"']?)(?P<value>{re.escape(value or item)})(?P=quote)(?=\s|$)", re.MULTILINE)
    found = line.search(content.source.text)
    return None if found is None else found.start("value")


def _path(item: ListItem, file: Scalar) -> Path:
    """Return the path of the list's file: relative to the rules file."""
    return located(item.context.source.name).parent / file.text


def _filled(item: ListItem, file: Scalar, add: Add) -> ListItem:
    """Return the list with the values of its file."""
    try:
        source = read_file(_path(item, file), LARGEST)
    except ItemRefused as refused:
        for problem in refused.problems:
            add(_unreadable(item, file, problem))
        return item
    content = ProblemContext(source, "list content", item.name)
    values: dict[str, None] = {}
    problems = 0
    for offset, text in _lines(source.text):
        value, wrong, hint = _value(text)
        if not wrong and len(values) == MOST_VALUES and value not in values:
            wrong = f"the list `{item.name}` has more than {MOST_VALUES:,} values"
            hint, problems = "split the file, and test with a list for each part", _MOST_PROBLEMS
        if not wrong:
            values[value] = None
            continue
        add(RuleProblem(Code.LOAD_ERR_VALIDATE, wrong, content, offset, hint))
        problems += 1
        if problems >= _MOST_PROBLEMS:
            break
    return msgspec.structs.replace(item, items=tuple(values), content=content)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of each line that is not empty, without its comment."""
    offset = 0
    for line in text.split("\n"):
        found = (_COMMENT.sub("", line) if "#" in line else line).strip(" \t\r")
        if found:
            yield offset, found
        offset += len(line) + 1


def _unreadable(item: ListItem, file: Scalar, problem: RuleProblem) -> RuleProblem:
    """Return the problem of a list's file that is not text at its place there, any other at the key."""
    if problem.code is Code.LOAD_ERR_YAML_PARSE:
        return msgspec.structs.replace(problem, code=Code.LOAD_ERR_FILE_READ, hint="save the file as UTF-8")
    hint = f"`{_KEY}` is relative to the rules file: correct the path, or put the file there"
    return RuleProblem(Code.LOAD_ERR_FILE_READ, problem.message, item.context, file.offset, hint)


def _value(text: str) -> tuple[str, str, str]:
    """Return the item of a line, and sentence and remedy if the line is not a value."""
    if len(text) <= MAX_TEXT // 4 and text.isprintable() and tokens.BARESTR.fullmatch(text):
        return text, "", ""
    quoted = _QUOTED.fullmatch(text)
    value = text if quoted is None else quoted[1] or quoted[2]
    shown = f"`{value[:60]}{'…' if len(value) > 60 else ''}`"
    if quoted is None and re.search(r"[ \t]", value):
        hint = "write one value a line; ` #` begins a comment, quotes keep blanks"
        return "", f"{shown} is more than one value", hint
    if not value.isprintable():
        return "", f"{shown} has a character that cannot be printed", "write one value a line, as text"
    if len(value.encode()) > MAX_TEXT:
        return "", f"{shown} is longer than {MAX_TEXT} bytes, the longest value", "write one value a line"
    return (value if tokens.BARESTR.fullmatch(value) else tokens.quote(value)), "", ""
