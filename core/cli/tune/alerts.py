"""Alerts as `mozu tune` compares them."""

import re
from typing import Final

import msgspec

from mozu.core.delivery.redact import MARK
from mozu.core.model.value_types import JsonObject

_FIELD: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+(\[[^\]\s]+\])?")
_ABSENT: Final = "<NA>"
"""Text of a value that an event does not have; a comparison with it never holds."""
_LOST: Final = ("\ufffd", MARK, "...")
"""Parts of texts that are not the whole value: replaced characters, a hidden secret, a cut."""
_ANCESTORS: Final = "proc.aname"
"""Field of the names of all ancestors; its text cannot be told from the name of one."""
_PARENT: Final = "proc.pname"
_EVENT: Final = "evt."
"""Prefix of fields that belong to one event and are of no use in an exception."""


class TunedAlert(msgspec.Struct, frozen=True):
    """An alert, as far as an exception can tell it from others."""

    rule: str
    values: dict[str, str]
    """Field → text. Numbers are left out: they name processes, descriptors and times."""
    event_type: str = ""
    """Empty if the output does not print `evt.type`."""


def of_rule(document: JsonObject) -> TunedAlert | None:
    """Return the alert of a document in the format `json`; None for a notice of mozu about itself."""
    rule, fields = document["rule"], document["output_fields"]
    if not isinstance(rule, str) or not isinstance(fields, dict) or document.get("source") == "internal":
        return None
    event_type = fields.get("evt.type")
    return TunedAlert(rule, comparable(fields), event_type if isinstance(event_type, str) else "")


def comparable(fields: JsonObject) -> dict[str, str]:
    """Return the texts among the values of an alert with which an exception can compare."""
    found = {name: value for name, value in fields.items() if isinstance(value, str) and _is_usable(name, value)}
    if _PARENT in found or any(name.startswith(f"{_ANCESTORS}[") for name in found):
        found.pop(_ANCESTORS, None)
    return found


def _is_usable(name: str, value: str) -> bool:
    if name.startswith(_EVENT) or _FIELD.fullmatch(name) is None or value in ("", _ABSENT):
        return False
    return value.isprintable() and not any(part in value for part in _LOST)
