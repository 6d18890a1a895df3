"""`make vectors FILE=<tsv>`: run parser vectors (condition, verdict, detail) against the condition parser.

Columns: the condition as a JSON string; `ok` or `error`; for `ok` the normal form of the tree as a JSON string, for
`error` the offset. Prints the count and each difference; the exit status is 0 only if there is none.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from mozu.core.language.conditions import (
    And,
    Call,
    ConditionError,
    FieldRef,
    Items,
    Macro,
    Node,
    Not,
    Number,
    Operand,
    Or,
    Right,
    Test,
    Text,
    Val,
    parse,
)
from mozu.core.language.conditions.ast import Term, bottom_up, bottom_up_term

_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}


def vectors(file: Path) -> Iterator[tuple[int, str, str, str]]:
    """Yield (line number, condition, verdict, detail) of each vector; the detail of `ok` is decoded."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#") or line == "condition\tverdict\tdetail":
            continue
        condition, verdict, detail = line.split("\t")
        yield number, json.loads(condition), verdict, json.loads(detail) if verdict == "ok" else detail


def outcome(condition: str) -> tuple[str, str]:
    """Return verdict and detail of the parser."""
    try:
        return "ok", normal_form(parse(condition))
    except ConditionError as error:
        return "error", str(error.offset)


def normal_form(node: Node) -> str:
    """Return the tree as the vectors write it: every group in parentheses, texts quoted only if they must be."""
    return bottom_up(node, _node)


def _node(node: Node, inner: list[str]) -> str:
    match node:
        case And():
            return f"({' and '.join(inner)})"
        case Or():
            return f"({' or '.join(inner)})"
        case Not():
            return f"not {inner[0]}"
        case Macro():
            return node.name
        case Test():
            words = [_operand(node.left), node.op, node.modifier, "" if node.right is None else _right(node.right)]
            return " ".join(word for word in words if word)


def _right(right: Right) -> str:
    match right:
        case Text():
            return _text(right.value)
        case Number():
            return right.text
        case Items():
            return f"({', '.join(_text(item.value) for item in right.items if isinstance(item, Text))})"
        case Val():
            return f"val({_operand(right.field)})"
        case Call():
            return _operand(right)


def _operand(term: Operand) -> str:
    return bottom_up_term(term, _term)


def _term(term: Term, inner: list[str]) -> str:
    match term:
        case FieldRef():
            return term.name + _argument(term.argument)
        case Call():
            return f"{term.name}({','.join(inner)}){_argument(term.selector)}"
        case Items():
            return f"({','.join(inner)})"
        case Number():
            return term.text
        case Text():
            return _text(term.value)


def _argument(value: str | None) -> str:
    if value is None:
        return ""
    return f"[{_text(value)}]" if value else '[""]'


def _text(value: str) -> str:
    if not any(char in " '\"\\()=," or char < " " for char in value):
        return value
    return f'"{"".join(_ESCAPES.get(char, char) for char in value)}"'


def main(path: str) -> int:
    """Run a file; return the exit status."""
    count = differences = 0
    for number, condition, verdict, detail in vectors(Path(path)):
        count += 1
        found = outcome(condition)
        if found != (verdict, detail):
            differences += 1
            print(f"{path}:{number}: {condition!r}: expected {verdict} {detail!r}, found {found[0]} {found[1]!r}")
    print(f"{count} vectors, {differences} differences")
    return 1 if differences or not count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
