"""Poison alerts: ordinary alerts in which one part is extreme, or has a type that is not allowed."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mozu.core.model.alert import Alert, Ref, Severity, Template
from tests.core.delivery.encode.made import plain

_YEAR_2600: Final = 19_880_899_200 * 1_000_000_000


def nested(depth: int) -> Any:
    """Return tuples nested to this depth."""
    value: Any = ("inside",)
    for _ in range(depth):
        value = (value,)
    return value


class Unspeakable:
    """An object that no conversion accepts."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


_TIMES: Final = (0, -1, -(1 << 63) - 1, 1 << 63, _YEAR_2600, 1 << 64, 10**30, 10**5000, 1.5, None, "now")
_TEXTS: Final = ("", "\0", "\ud800", "\udcff\ud800", "\u202e", "x" * 300_000, "\n" * 1000, None, 7, b"\xff", ["a"])
_VALUES: Final = (
    *(1 << 70, -(1 << 70), 10**5000, float("nan"), float("inf"), -float("inf")),
    *("\0", "\ud800", "\udcff\ud800", "x" * 300_000, b"", b"\0\xff" * 1000),
    *((), nested(10), nested(300), nested(100_000), ("\ud800", b"\xff", None), [1, [2, [3]]]),
    *({"a": {"b": 1}}, {1, 2}, object(), Unspeakable(), 1j),
)


def poison() -> Iterator[tuple[str, Alert]]:
    """Yield (fault of the alert, the alert)."""
    parts: dict[str, tuple[Any, ...]] = {
        "time": _TIMES,
        "event_num": (-1, 1 << 64, 10**5000, None),
        **dict.fromkeys(("rule", "source", "hostname", "event_type", "id"), _TEXTS),
        "tags": (("\ud800",), ("x" * 300_000,), (None,), None, 7, ("b", 1)),
        "incomplete": (("\ud800",), None, (7,)),
        "priority": (99, -1, None, "CRITICAL"),
        "template": (Template(("\ud800",)), Template((7,)), Template((Ref("no", "such", "hex", -1),)), None),  # type: ignore[arg-type]  # poison
        "values": (None, {}, [], {7: 8}),
        "enrichment": (None, [], {7: 8}),
    }
    for part, extremes in parts.items():
        for number, extreme in enumerate(extremes):
            yield f"{part} {number}", msgspec.structs.replace(plain(), **{part: extreme})
    for number, value in enumerate(_VALUES):
        for kind, form in (("string", ""), ("uint", "hex"), ("int", "padded"), ("ipaddr", ""), ("abstime", "")):
            ref = Ref("poison", kind, form, is_list=isinstance(value, tuple), width=5 if form else 0)
            alert = msgspec.structs.replace(plain(), template=Template(("see ", ref)), values={"poison": value})
            yield f"value {number} as {kind}", alert
        for key in ("proc.pid", "proc.name", "fd.sip", "container.id", "proc.pid.ts", "other"):
            yield f"{key} {number}", msgspec.structs.replace(plain(), enrichment={**plain().enrichment, key: value})


def good(rule: str = "good") -> Alert:
    """Return a sound alert that is sent beside the poison."""
    return msgspec.structs.replace(plain(), rule=rule, priority=Severity.WARNING)
