"""Output templates, compiled: text and references, rendered from values and not from events."""

import base64
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_address

import msgspec

from mozu.core.model.alert.brief import brief
from mozu.core.model.event import as_bytes
from mozu.core.model.value_types import FieldValue

MISSING = "<NA>"
_LIST_LIMIT = 1023
_UNSIGNED = (1 << 64) - 1
_NETWORK = "<IPNET>"
"""Text that outputs show for any network; networks are for conditions."""
_MAPPED = b"\0" * 10 + b"\xff\xff"


class Ref(msgspec.Struct, frozen=True, tag=True, tag_field="struct"):
    """A reference in a template."""

    key: str
    """The key of the value: a field as written (`proc.aname[2]`) or a transformer call as written."""
    type: str
    """The value of a `FieldType`."""
    format: str = ""
    """Format of a number: `` decimal, `hex`, `octal`, `padded`; see Field.format."""
    width: int = 0
    """Bytes to which the text is cut or padded; 0: its own length."""
    is_list: bool = False
    is_field: bool = True
    """False for transformer calls: they print, and appear under no key in `output_fields`."""
    is_time: bool = False
    """True for a time text: `output_fields` holds the event's ns since the epoch instead."""
    label: str = ""
    """Label of a pair behind the sentence, which is left out if it says nothing; empty if the value is always printed.
    """


class Template(msgspec.Struct, frozen=True, dict=True):
    """A template. `parts` are literal texts and references in order; `extra` are fields that only `output_fields`
    shows."""

    parts: tuple[str | Ref, ...]
    extra: tuple[Ref, ...] = ()

    def refs(self) -> tuple[Ref, ...]:
        """Return every reference whose value an alert must carry, in order."""
        return self._refs

    @cached_property
    def is_sound(self) -> bool:
        """True if the parts have the declared types, which nothing enforces."""
        return all(type(part) in (str, Ref) for part in self.parts) and all(type(ref) is Ref for ref in self.extra)

    @cached_property
    def _refs(self) -> tuple[Ref, ...]:
        return tuple(part for part in self.parts if isinstance(part, Ref)) + self.extra

    @cached_property
    def _sentence(self) -> tuple[str | Ref, ...]:
        return tuple(part for part in self.parts if isinstance(part, str) or not part.label)

    @cached_property
    def pairs(self) -> tuple[Ref, ...]:
        """The references with a label."""
        return tuple(part for part in self.parts if isinstance(part, Ref) and part.label)

    def render(self, values: Mapping[str, FieldValue]) -> str:
        """Return the message: the sentence, and those of the pairs that say something."""
        text = self.sentence(values)
        if not self.pairs:
            return text
        known = [(ref, value) for ref in self.pairs if (value := values.get(ref.key)) is not None]
        return text + brief([(ref.label, _text(ref, value), value) for ref, value in known], text)

    def sentence(self, values: Mapping[str, FieldValue]) -> str:
        """Return the message without the pairs. Missing values print `<NA>`."""
        return "".join(
            [part if isinstance(part, str) else _text(part, values.get(part.key)) for part in self._sentence]
        )


def _text(ref: Ref, value: FieldValue) -> str:
    return value if type(value) is str and not ref.width else _padded(ref, value)


def _padded(ref: Ref, value: FieldValue) -> str:
    text = render_value(value, ref.type, ref.format)
    if not ref.width:
        return text
    raw = as_bytes(text)[: ref.width]
    return raw.ljust(ref.width).decode("utf-8", "surrogateescape")


def render_value(value: FieldValue, kind: str, form: str = "", *, base64_bytes: bool = False) -> str:
    """Return a value as outputs print it. `kind` is the value of a `FieldType`."""
    if value is None:
        return MISSING
    if isinstance(value, tuple):
        inner = ",".join(render_value(item, kind, form, base64_bytes=base64_bytes) for item in value)
        return f"({inner})"[:_LIST_LIMIT]
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        if kind == "ipnet":
            return _NETWORK
        if kind == "ipaddr":
            return _address(value)
        if base64_bytes:
            return base64.b64encode(value).decode()[:_LIST_LIMIT]
        return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in value)
    if isinstance(value, float):
        return f"{value:.1f}"
    if form == "hex":
        return f"{value:X}"
    if form == "octal":
        return f"{value:o}"
    if form == "padded" and isinstance(value, int):
        return f"{value & _UNSIGNED:09d}"
    return str(value)


def _address(raw: bytes) -> str:
    """Return an address as in RFC 5952; an IPv4 address inside IPv6 stays dotted."""
    if len(raw) == 16 and raw.startswith(_MAPPED):
        return f"::ffff:{ip_address(raw[12:])}"
    return str(ip_address(raw)) if len(raw) in (4, 16) else MISSING
