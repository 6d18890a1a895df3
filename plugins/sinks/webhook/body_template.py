"""Body templates: a JSON structure whose texts may hold references to values of the alert.

    text      = { character | "$${" | reference }
    reference = "${" NAME [ ":-" DEFAULT ] [ "|text" ] "}"

A text that is one reference and nothing else becomes the value itself (a number, a list, an object, null); anywhere
else the value becomes part of the text. `|text` makes a text of a value that stands alone. `:-` gives what stands for a
missing value, which is null alone and `<NA>` within a text. `$${` is `${`. The structure is parsed before any alert is
seen and written by a JSON encoder, so no value can add to it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final

import orjson

from mozu.core.api import Record
from mozu.core.delivery.encode.document import one_line
from mozu.plugins.sinks.webhook.template_values import FIELD, NAMES, Reader, RecordView, reader

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_INSIDE: Final = re.compile(r"(?P<name>[^|]*?)(?P<default>:-[^|]*)?(?P<text>\|text)?")
_MISSING: Final = "<NA>"
_MAX_DEPTH: Final = 32

Node = Callable[[RecordView], Any]


class TemplateError(ValueError):
    """What is wrong with a template, and where in it."""


class BodyTemplate:
    """A body for each record."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def render(self, record: Record) -> bytes:
        """The body: JSON on one line."""
        return one_line(self._node(RecordView(record)))


def parse(structure: Any) -> BodyTemplate:
    """A template from a structure, or from JSON text. Raises TemplateError."""
    if isinstance(structure, str | bytes):
        try:
            structure = orjson.loads(structure)
        except orjson.JSONDecodeError as error:
            raise TemplateError(f"the template is not JSON: {error}") from None
    if not isinstance(structure, dict | list):
        raise TemplateError("the template must be a mapping or a list")
    return BodyTemplate(_compile(structure, "", 0))


def _compile(value: Any, path: str, depth: int) -> Node:
    if depth > _MAX_DEPTH:
        raise TemplateError(f"the template is nested more than {_MAX_DEPTH} deep at {path}")
    if isinstance(value, dict):
        return _mapping(value, path, depth)
    if isinstance(value, list):
        items = [_compile(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
        return lambda view: [item(view) for item in items]
    if isinstance(value, str):
        return _text(value, path.removeprefix("."))
    return lambda view: value


def _mapping(value: dict[Any, Any], path: str, depth: int) -> Node:
    for key in value:
        if not isinstance(key, str):
            raise TemplateError(f"the key {key!r} at {path or 'the top'} must be text; write it in quotes")
        if "${" in key:
            raise TemplateError(f"the key {key!r} holds a reference; only values may")
    items = [(key, _compile(item, f"{path}.{key}", depth + 1)) for key, item in value.items()]
    return lambda view: {key: item(view) for key, item in items}


def _text(text: str, path: str) -> Node:
    parts = list(_parts(text, path))
    if len(parts) == 1:
        part = parts[0]
        return part if callable(part) else _constant(part)
    nodes = [_as_text(part) if callable(part) else _constant(part) for part in parts]
    return lambda view: "".join(node(view) for node in nodes)


def _parts(text: str, path: str) -> Iterable[str | Node]:
    """Literal texts and references, in order; at least one."""
    pieces: list[str | Node] = []
    position = 0
    literal_address = ""
    for match in _REFERENCE.finditer(text):
        literal_address += text[position : match.start()]
        position = match.end()
        if match[0] == "$${":
            literal_address += "${"
            continue
        if literal_address:
            pieces.append(literal_address)
            literal_address = ""
        pieces.append(_reference(match, path))
    literal_address += text[position:]
    if literal_address or not pieces:
        pieces.append(literal_address)
    return pieces


def _reference(match: re.Match[str], path: str) -> Node:
    inside = _INSIDE.fullmatch(match["inside"])
    if not match["end"] or inside is None:
        forms = "write ${NAME}, ${NAME:-default} or ${NAME|text}, or $${ for the characters themselves"
        raise TemplateError(f"{match[0]!r} at {path} is no reference; {forms}")
    read = reader(inside["name"])
    if read is None:
        raise TemplateError(f"{inside['name']!r} at {path} is not known; {_hint(inside['name'])}")
    node = read if inside["default"] is None else _with_default(read, inside["default"][2:])
    return node if inside["text"] is None else _as_text(node)


def _hint(name: str) -> str:
    close: Sequence[str] = get_close_matches(name, [*NAMES], n=1)
    if "." in name:
        return f"did you mean {FIELD + name!r}?"
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(NAMES))}, {FIELD}FIELD"


def _constant(text: str) -> Node:
    return lambda view: text


def _with_default(read: Reader, default: str) -> Node:
    def node(view: RecordView) -> Any:
        value = read(view)
        return default if value is None or value == "" else value

    return node


def _as_text(read: Node) -> Node:
    def node(view: RecordView) -> str:
        value = read(view)
        if value is None:
            return _MISSING
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return ",".join(map(str, value))
        return orjson.dumps(value, default=str).decode()

    return node
