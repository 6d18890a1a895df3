"""The keys around a place in a rule file, by its lines: also where the file is not YAML at the moment.

Items in block style are understood, as rule files have them: `- rule: NAME` with its keys below. An item in braces has
no keys here.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

_DASHES: Final = re.compile(r"^( *)((?:-(?: +|$))*)")
_KEY: Final = re.compile(r"([A-Za-z_][\w-]*):(?:[ \t]+|$)")
_PARENTS: Final = frozenset({"exceptions", "override", "mozu", "required_plugin_versions", "alternatives"})
"""Keys with keys below."""
KINDS: Final = ("rule", "macro", "list", "exception", "required_engine_version", "required_plugin_versions")
"""Keys that begin an item."""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a rule file."""

    kind: str = ""
    """Kind of the item (rule, macro, list …); empty if the place is outside of items, or where one begins."""
    name: str = ""
    """Value of the item's first key."""
    source: str = ""
    """Value of the item's key `source`."""
    path: tuple[str, ...] = ()
    """Keys around the place, the innermost last; empty for a key of the item itself."""
    is_key: bool = False
    """True if a key can stand at the place."""
    keys: frozenset[str] = frozenset()
    """Keys that the mapping has already, if `is_key`."""
    start: int
    """Offset of `text`."""
    text: str
    """The value, or the key, up to the place."""


class _Line(msgspec.Struct, frozen=True):
    """A line: blanks, dashes, content."""

    indent: int
    column: int
    """Column of the content."""
    content: str

    @property
    def has_dash(self) -> bool:
        return self.column > self.indent

    @property
    def key(self) -> str:
        """The key at the beginning of the content; empty if there is none."""
        found = _KEY.match(self.content)
        return "" if found is None else found[1]

    @property
    def value(self) -> str:
        """Text after the key."""
        found = _KEY.match(self.content)
        return "" if found is None else self.content[found.end() :].strip().strip("\"'")


class _Open(msgspec.Struct, frozen=True):
    """A key whose value may continue."""

    column: int
    key: str
    start: int
    """Offset of the value."""
    is_parent: bool
    """True if keys stand below."""

    def contains(self, indent: int) -> bool:
        """Return True if a line with this indentation continues the value."""
        return not self.is_parent and indent > self.column


def spot(text: str, offset: int) -> Spot:
    """Return the place at an offset."""
    raw = text.split("\n")
    number = text.count("\n", 0, offset)
    begin = text.rfind("\n", 0, offset) + 1
    first = _first_line(raw, number)
    item = [_line(one) for one in raw[first : number + 1]]
    begins = [begin]
    for one in reversed(raw[first:number]):
        begins.append(begins[-1] - len(one) - 1)
    begins.reverse()
    stack: list[_Open] = []
    for line, at in zip(item[:-1], begins, strict=False):
        _enter(stack, line, at)
    return _at(text, offset, stack, item, begin, _rest(raw, number, item[0].indent))


def _at(text: str, offset: int, stack: list[_Open], item: Sequence[_Line], begin: int, rest: list[_Line]) -> Spot:
    """Return the place, from the keys that the lines above have opened."""
    head, last, before = item[0], item[-1], text[begin:offset]
    is_blank = not before.strip()
    kind = head.key if head.key in KINDS else ""
    whole = [*item, *rest]
    source = next((one.value for one in whole if one.key == "source" and one.column == head.column), "")
    known = Spot(kind=kind, name=head.value, source=source, start=offset, text="")
    indent, column = (len(before), len(before)) if is_blank else (last.indent, last.column)
    if not (stack and stack[-1].contains(indent)):
        if last.key and len(before) > last.column + len(last.key):
            _enter(stack, last, begin)
        else:
            _leave(stack, column)
            is_item = last.has_dash and not is_blank and bool(stack) and not stack[-1].is_parent
            start = offset if is_blank else min(begin + last.column, offset)
            if not is_item:
                return _key(known, text[start:offset], start, stack, item, rest, column)
            stack[-1] = msgspec.structs.replace(stack[-1], start=start)
    start = min(stack[-1].start, offset)
    path = tuple(one.key for one in stack)
    return msgspec.structs.replace(known, path=path, start=start, text=text[start:offset])


def _key(
    known: Spot, text: str, start: int, stack: list[_Open], item: Sequence[_Line], rest: list[_Line], column: int
) -> Spot:
    head, last = item[0], item[-1]
    if not known.kind or column <= head.indent or (len(item) == 1 and head.has_dash):
        return Spot(is_key=True, start=start, text=text)
    before = _same(reversed(item[:-1]), column) if not last.has_dash else []
    keys = frozenset((*before, *_same(rest, column, down=True)))
    path = tuple(one.key for one in stack)
    return msgspec.structs.replace(known, path=path, is_key=True, keys=keys, start=start, text=text)


def _same(lines: Iterable[_Line], column: int, *, down: bool = False) -> list[str]:
    """Return the keys at a column up to the end of the mapping; upwards it ends at a line with a dash, which is of
    it."""
    found = []
    for line in lines:
        if line.content and (line.column < column or (down and line.has_dash and line.column <= column)):
            break
        if line.key and line.column == column:
            found.append(line.key)
            if line.has_dash:
                break
    return found


def _line(raw: str) -> _Line:
    found = _DASHES.match(raw)
    assert found is not None
    return _Line(len(found[1]), found.end(), raw[found.end() :].rstrip("\r"))


def _first_line(raw: Sequence[str], number: int) -> int:
    """Return the number of the line at which the item begins; 0 if none does."""
    for at in range(number, -1, -1):
        line = _line(raw[at])
        if line.has_dash and (line.key in KINDS or line.indent == 0):
            return at
    return 0


def _rest(raw: Sequence[str], number: int, indent: int) -> list[_Line]:
    """Return the lines of the item below a line."""
    found = []
    for one in raw[number + 1 :]:
        line = _line(one)
        if line.has_dash and line.indent <= indent:
            break
        found.append(line)
    return found


def _enter(stack: list[_Open], line: _Line, begin: int) -> None:
    """Open the key of a line, unless the line belongs to a value."""
    if (not line.content and not line.has_dash) or (stack and stack[-1].contains(line.indent)):
        return
    _leave(stack, line.column)
    found = _KEY.match(line.content)
    if found is not None:
        is_parent = found[1] in _PARENTS and not (stack and stack[-1].key == "mozu")
        stack.append(_Open(line.column, found[1], begin + line.column + found.end(), is_parent))


def _leave(stack: list[_Open], column: int) -> None:
    while stack and stack[-1].column >= column:
        stack.pop()
