"""A plain interpreter of conditions: it walks the tree, reads every field anew, and decides value by value.

Only the parsed tree and the registry of fields are shared with the generated code.
"""

import base64
import ctypes
import re
from ipaddress import ip_address, ip_network
from typing import Any

import re2

from mozu.core.filter.formula import Formula, holds
from mozu.core.language.conditions import (
    And,
    Call,
    FieldRef,
    Items,
    Node,
    Not,
    Number,
    Or,
    Test,
    Text,
    Val,
    parse,
    text_of,
)
from mozu.core.model.event import as_bytes, as_text
from mozu.core.model.fields import FieldRegistry, FieldType, Match

_LIBC = ctypes.CDLL(None)
_LIBC.newlocale.restype = _LIBC.uselocale.restype = ctypes.c_void_p
_LIBC.newlocale.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_LIBC.uselocale.argtypes = (ctypes.c_void_p,)
_BYTES = _LIBC.newlocale(1, b"C", None)
_CASEFOLD = 16
_STRING = (FieldType.STRING, FieldType.PATH)


def fnmatch(pattern: bytes, value: bytes, flags: int = 0) -> bool:
    """Return the C library's result, byte by byte: in the locale C, in which Falco runs."""
    before = _LIBC.uselocale(_BYTES)
    try:
        return bool(_LIBC.fnmatch(pattern, value, flags) == 0)
    finally:
        _LIBC.uselocale(before)


class Kind:
    """The known properties of an operand's values."""

    def __init__(self, kind: FieldType, *, bits: int = 64, many: bool = False, match: Match = Match.ONE) -> None:
        self.type, self.bits, self.many, self.match = kind, bits, many, match
        self.at_most = False


class Interpreter:
    """An interpreter of conditions over a registry."""

    def __init__(self, fields: FieldRegistry) -> None:
        self.fields = fields

    def holds(self, node: Node, event: Any) -> bool:
        match node:
            case And():
                return all(self.holds(child, event) for child in node.children)
            case Or():
                return any(self.holds(child, event) for child in node.children)
            case Not():
                return not self.holds(node.child, event)
            case Test():
                return self.test(node, event)
        raise AssertionError(node)

    def formula(self, formula: Formula, event: Any) -> bool:
        """Return the truth of a formula, each comparison read back from its text."""
        return holds(formula, lambda leaf: self.holds(parse(text_of(leaf)), event))

    def test(self, test: Test, event: Any) -> bool:
        value, kind = self.operand(test.left, event)
        if kind.many and value == ():
            value = None
        if value is None:
            return False
        if test.op == "exists":
            return self.exists(value, kind)
        if isinstance(test.right, Val | Call):
            other, other_kind = self.operand(test.right.field if isinstance(test.right, Val) else test.right, event)
            if other is None or (other_kind.many and other == ()):
                return False
            return self.with_field(test, value, kind, other)
        if kind.at_most:
            return bool(value <= int(self.texts(test)[0]))
        return self.with_constants(test, value, kind, self.texts(test))

    def exists(self, value: Any, kind: Kind) -> bool:
        return kind.match in (Match.ONE, Match.ENDPOINTS) or any(one is not None for one in value)

    def texts(self, test: Test) -> list[str]:
        match test.right:
            case Items():
                return [item.value for item in test.right.items if isinstance(item, Text)]
            case Text():
                return [test.right.value]
            case Number():
                return [test.right.text]
        raise AssertionError(test)

    def with_field(self, test: Test, value: Any, kind: Kind, other: Any) -> bool:
        if kind.many:
            found = [one in other for one in value]
            return all(found) if test.op == "in" else any(found)
        if test.op in ("in", "intersects"):
            return bool(value == other)
        return self.scalar(test.op, value, other)

    def with_constants(self, test: Test, value: Any, kind: Kind, texts: list[str]) -> bool:
        if kind.many:
            constants = [self.constant(text, test.op, kind) for text in texts]
            found = [one in constants for one in value]
            return all(found) if test.op == "in" else any(found)
        if test.op in ("in", "intersects"):
            return any(self.base("=", value, kind, text) for text in texts)
        if test.op == "pmatch" and not test.modifier:
            return any(self.base("pmatch", value, kind, text) for text in texts)
        held = [self.base(test.op, value, kind, text) for text in texts]
        match test.modifier:
            case "":
                return held[0]
            case "anyof":
                return any(held)
            case "allof":
                return bool(held) and all(held)
            case "oneof":
                return held.count(True) == 1
        raise AssertionError(test.modifier)

    def base(self, op: str, value: Any, kind: Kind, text: str) -> bool:
        constant = self.constant(text, op, kind)
        if kind.match is Match.ONE:
            return self.scalar(op, value, constant)
        there = [one for one in value if one is not None]
        held = [self.scalar(op, one, constant) for one in there]
        if kind.match is Match.ENDPOINTS and op == "!=":
            return bool(held) and all(held)
        if kind.match is Match.NAMES and op == "!=":
            return all(held)
        return any(held)

    def scalar(self, op: str, value: Any, constant: Any) -> bool:
        if not isinstance(constant, str | bytes | int | bool | float):
            inside = ip_address(value) in constant
            return inside if op != "!=" else not inside
        if isinstance(value, str):
            value = as_bytes(value)
        if isinstance(constant, str):
            constant = as_bytes(constant)
        match op:
            case "=" | "==":
                return bool(value == constant)
            case "!=":
                return bool(value != constant)
            case "<":
                return bool(value < constant)
            case "<=":
                return bool(value <= constant)
            case ">":
                return bool(value > constant)
            case ">=":
                return bool(value >= constant)
            case "contains" | "bcontains":
                return constant in value
            case "icontains":
                return constant.lower() in value.lower()
            case "startswith" | "bstartswith":
                return bool(value[: len(constant)] == constant)
            case "endswith":
                return constant == b"" or bool(value[-len(constant) :] == constant)
            case "glob":
                return fnmatch(constant, value)
            case "iglob":
                return fnmatch(constant, value, _CASEFOLD)
            case "regex":
                return self.regex(constant, value)
            case "pmatch":
                return self.pmatch(constant, value)
        raise AssertionError(op)

    def regex(self, pattern: bytes, value: bytes) -> bool:
        options = re2.Options()
        options.posix_syntax = options.longest_match = options.one_line = True
        return re2.fullmatch(pattern, value.decode("utf-8", "replace").encode(), options) is not None

    def pmatch(self, path: bytes, value: bytes) -> bool:
        wanted = [part for part in path.split(b"/") if part]
        there = [part for part in value.split(b"/") if part]
        if len(there) < len(wanted):
            return False
        return all(fnmatch(pattern, part) for pattern, part in zip(wanted, there, strict=False))

    def constant(self, text: str, op: str, kind: Kind) -> Any:
        match kind.type:
            case FieldType.STRING | FieldType.PATH:
                return text
            case FieldType.BYTES:
                return bytes.fromhex(text) if op in ("bcontains", "bstartswith") else as_bytes(text)
            case FieldType.BOOL:
                return text == "true"
            case FieldType.IPADDR:
                return ip_address(text).packed
            case FieldType.IPNET:
                return ip_network(text, strict=False)
            case FieldType.PORT:
                names = {"": 0, "http": 80, "ssh": 22}
                return names[text] if text in names else int(text) % 65536
        number = int(text) % (1 << kind.bits)
        return number - (1 << kind.bits) if kind.type is FieldType.INT and number >> (kind.bits - 1) else number

    def operand(self, term: FieldRef | Call | Text | Number | Items, event: Any) -> tuple[Any, Kind]:
        match term:
            case FieldRef():
                found = self.fields.resolve(term.name, term.argument, event.type)
                kind = Kind(found.type, bits=found.field.bits, many=found.is_list, match=found.match)
                kind.at_most = "at_most" in found.field.traits
                value = found.read(event)
                if kind.many and value == ():
                    value = None
                if "dynamic" in found.field.traits and not isinstance(value, int):
                    value = None
                return value, kind
            case Text():
                return term.value, Kind(FieldType.STRING)
            case Number():
                return term.text, Kind(FieldType.STRING)
            case Items():
                values = tuple(self.operand(item, event)[0] for item in term.items)
                return (None if None in values else values), Kind(FieldType.STRING, many=True)
            case Call():
                return self.call(term, event)

    def call(self, call: Call, event: Any) -> tuple[Any, Kind]:
        values, kinds = zip(*(self.operand(arg, event) for arg in call.args), strict=True)
        missing = None in values
        match call.name:
            case "len":
                return (None if missing else self.length(values[0])), Kind(FieldType.UINT)
            case "concat":
                return (None if missing else "".join(values)), Kind(FieldType.STRING)
            case "join":
                return (None if missing else values[0].join(values[1])), Kind(FieldType.STRING)
            case "getopt":
                found = None if missing else self.options(values[0], values[1])
                return self.selected(call, found), Kind(FieldType.STRING, many=call.selector is None)
        kind = kinds[0]
        if missing:
            return None, kind
        if kind.many:
            each = tuple(self.mapped(call.name, one) for one in values[0])
            return (None if None in each else each), kind
        return self.mapped(call.name, values[0]), kind

    def mapped(self, name: str, value: Any) -> Any:
        raw = as_bytes(value) if isinstance(value, str) else value
        match name:
            case "tolower":
                result = raw.lower()
            case "toupper":
                result = raw.upper()
            case "basename":
                result = raw.split(b"/")[-1]
            case "b64":
                raw = raw.rstrip(b"=")
                if not re.fullmatch(rb"[A-Za-z0-9+/]*", raw) or len(raw) % 4 == 1:
                    return None
                result = base64.b64decode(raw + b"=" * (-len(raw) % 4))
                if base64.b64encode(result).rstrip(b"=") != raw:
                    return None
        return as_text(result) if isinstance(value, str) else result

    def length(self, value: Any) -> int:
        return len(as_bytes(value).split(b"\0")[0]) if isinstance(value, str) else len(value)

    def options(self, words: tuple[str, ...], wanted: str) -> list[list[str]]:
        """Return the results in order; an unknown letter is ["?"], a missing value [""] followed by its letter."""
        found: list[list[str]] = []
        words = tuple(words)
        while words and words[0] not in ("", "-", "--") and words[0][0] == "-":
            word, words = words[0], words[1:]
            if word.startswith("--"):
                continue
            rest = word[1:]
            while rest:
                letter, rest = rest[0], rest[1:]
                at = wanted.find(letter)
                if letter == ":" or at < 0:
                    found.append(["?"])
                elif wanted[at + 1 : at + 2] != ":":
                    found.append([letter])
                elif rest or words:
                    value, rest, words = (rest, "", words) if rest else (words[0], "", words[1:])
                    found.append([letter, value])
                else:
                    found.append(["", letter])
        return found

    def selected(self, call: Call, found: list[list[str]] | None) -> Any:
        if found is None:
            return None
        if call.selector is None:
            return tuple(word for one in found for word in (one[:1] if one[0] == "" else one))
        result = None
        for one in found:
            if one[0] == "" and one[1] == call.selector:
                result = ""
            elif one[0] == call.selector and one != ["?"]:
                result = one[-1]
        return result
