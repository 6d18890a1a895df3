"""Body templates: a JSON structure whose texts may contain references to values of the alert.

    text      = { character | "$${" | reference }
    reference = "${" NAME [ ":-" DEFAULT ] { "|" FILTER } "}"
    FILTER    = "text" | "max" NUMBER | "entities"

A text that consists of one reference becomes the value itself (a number, a list, an object, null); elsewhere the value
becomes part of the text. `|text` converts a value that stands alone to text, `|maxN` cuts it to N characters,
`|entities` writes `&`, `<` and `>` as HTML entities. `:-` precedes the default for a missing value, which is otherwise
null alone and `<NA>` within a text. `$${` is `${`. The structure is parsed before any alert is read and written by a
JSON encoder, so no value can add to it.
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

import orjson

from mozu.core.api import Record
from mozu.core.delivery.encode.document import one_line
from mozu.plugins.sinks.webhook.template_values import FIELD, NAMES, SECRET, Reader, RecordView, reader
from mozu.plugins.sinks.webhook.templates.builtin_template import CRITICAL_WARNING_INFORMATION, Levels

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_FILTERS: Final = r"(?P<filters>(\|(text|max[1-9][0-9]{0,5}|entities))*)"
_INSIDE: Final = re.compile(rf"(?P<name>[^|]*?)(?P<default>:-[^|]*)?{_FILTERS}")
_CUT: Final = "…"
_MISSING: Final = "<NA>"
_MAX_DEPTH: Final = 32
_NO_SECRETS: Final[Mapping[str, str]] = MappingProxyType({})

Node = Callable[[RecordView], Any]


class TemplateError(ValueError):
    """A defect of a template, with its place in it."""


class BodyTemplate:
    """A template that makes a body for each record."""

    def __init__(self, node: Node, levels: Levels) -> None:
        self._node, self._levels = node, levels

    def render(self, record: Record) -> bytes:
        """Return the body: JSON on one line."""
        return one_line(self._node(RecordView(record, self._levels)))


def parse(
    structure: Any, *, levels: Levels = CRITICAL_WARNING_INFORMATION, secrets: Mapping[str, str] = _NO_SECRETS
) -> BodyTemplate:
    """Return a template from a structure or from JSON text. `levels`: values of `${level}`; `secrets`: values of
    `${secret.NAME}`. Raises TemplateError."""
    if isinstance(structure, str | bytes):
        try:
            structure = orjson.loads(structure)
        except orjson.JSONDecodeError as error:
            raise TemplateError(f"the template is not JSON: {error}") from None
    if not isinstance(structure, dict | list):
        raise TemplateError("the template must be a mapping or a list")
    return compiled(structure, levels=levels, secrets=secrets)


def compiled(structure: Any, *, levels: Levels, secrets: Mapping[str, str]) -> BodyTemplate:
    """Return a template from any structure, including a text that is one reference. Raises TemplateError."""
    return BodyTemplate(_Compiler(secrets).node(structure, "", 0), levels)


class _Compiler:
    """Compiler of texts into functions. `secrets`: values of `${secret.NAME}` by name."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets

    def node(self, value: Any, path: str, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise TemplateError(f"the template is nested more than {_MAX_DEPTH} deep at {path}")
        if isinstance(value, dict):
            return self._mapping(value, path, depth)
        if isinstance(value, list):
            items = [self.node(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
            return lambda view: [item(view) for item in items]
        if isinstance(value, str):
            return self._text(value, path.removeprefix("."))
        return lambda view: value

    def _mapping(self, value: dict[Any, Any], path: str, depth: int) -> Node:
        for key in value:
            if not isinstance(key, str):
                raise TemplateError(f"the key {key!r} at {path or 'the top'} must be text; write it in quotes")
            if "${" in key:
                raise TemplateError(f"the key {key!r} holds a reference; only values may")
        items = [(key, self.node(item, f"{path}.{key}", depth + 1)) for key, item in value.items()]
        return lambda view: {key: item(view) for key, item in items}

    def _text(self, text: str, path: str) -> Node:
        parts = list(self._parts(text, path))
        if len(parts) == 1:
            part = parts[0]
            return part if callable(part) else _constant(part)
        nodes = [_as_text(part) if callable(part) else _constant(part) for part in parts]
        return lambda view: "".join(node(view) for node in nodes)

    def _parts(self, text: str, path: str) -> Iterable[str | Node]:
        """Return literal texts and references, in order; at least one."""
        pieces: list[str | Node] = []
        position = 0
        literal = ""
        for match in _REFERENCE.finditer(text):
            literal += text[position : match.start()]
            position = match.end()
            if match[0] == "$${":
                literal += "${"
                continue
            if literal:
                pieces.append(literal)
                literal = ""
            pieces.append(self._reference(match, path))
        literal += text[position:]
        if literal or not pieces:
            pieces.append(literal)
        return pieces

    def _reference(self, match: re.Match[str], path: str) -> Node:
        inside = _INSIDE.fullmatch(match["inside"])
        if not match["end"] or inside is None:
            forms = "write ${NAME}, ${NAME:-default} or ${NAME|text}, or $${ for the characters themselves"
            raise TemplateError(f"{match[0]!r} at {path} is no reference; {forms}")
        name = inside["name"]
        read = reader(name, self._secrets)
        if read is None:
            raise TemplateError(f"{name!r} at {path} is not known; {_hint(name)}")
        node = read if inside["default"] is None else _with_default(read, inside["default"][2:])
        for form in filter(None, inside["filters"].split("|")):
            node = _filtered(_as_text(node), form)
        return node


def _filtered(read: Callable[[RecordView], str], form: str) -> Node:
    if form == "text":
        return read
    if form == "entities":
        return lambda view: html.escape(read(view), quote=False)
    most = int(form.removeprefix("max"))

    def cut(view: RecordView) -> str:
        text = read(view)
        return text if len(text) <= most else text[: most - 1] + _CUT

    return cut


def _hint(name: str) -> str:
    close: Sequence[str] = get_close_matches(name, [*NAMES], n=1)
    if name.startswith(SECRET):
        return f"give it in `body_secrets: {{{name.removeprefix(SECRET)}: {{file: PATH}}}}`"
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


def _as_text(read: Node) -> Callable[[RecordView], str]:
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
