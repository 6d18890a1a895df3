"""The official field list of the Elastic Common Schema, from the npm package @elastic/ecs."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.support.npm import package
from tests.support.requirements import require

VERSION: Final = "9.4.0"
_SCRIPT: Final = Path(__file__).with_name("ecs_fields.mjs")


@cache
def fields() -> dict[str, dict[str, Any]]:
    """Return name → type, True if an array, allowed values. Skips if npm cannot fetch the package; fails in CI."""
    require(shutil.which("node") is not None, "node is not installed")
    modules = package("@elastic/ecs", VERSION).parents[1]
    command = ["node", str(_SCRIPT), str(modules.parent)]
    output = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    found: dict[str, dict[str, Any]] = json.loads(output)
    return found


def faults(document: dict[str, Any]) -> list[str]:
    """Return the violations of the schema, one sentence each."""
    return [fault for name, value in _flat(document) for fault in _faults(name, value)] + _pairs(document)


def _flat(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict) and (fields().get(name, {}).get("type") != "object" or _has_parts(name)):
            yield from _flat(item, f"{name}.")
        else:
            yield name, item


def _has_parts(name: str) -> bool:
    """Return True if the schema lists the parts of the object."""
    return any(other.startswith(f"{name}.") for other in fields())


def _faults(name: str, value: Any) -> Iterator[str]:
    field = fields().get(name)
    if field is None:
        yield f"{name} is no field"
        return
    if isinstance(value, list) != field["array"]:
        yield f"{name} must {'' if field['array'] else 'not '}be an array"
        return
    for item in value if isinstance(value, list) else [value]:
        if not _fits(field["type"], item):
            yield f"{name} must be of type {field['type']}, and is {item!r}"
        allowed = [*field["allowed"], *field["expected"]]
        if allowed and item not in allowed:
            yield f"{name} cannot be {item!r}"


def _fits(kind: str, item: Any) -> bool:
    if kind in ("long", "integer", "short"):
        return isinstance(item, int) and not isinstance(item, bool) and -(1 << 63) <= item < 1 << 63
    if kind == "boolean":
        return isinstance(item, bool)
    if kind in ("float", "scaled_float"):
        return isinstance(item, int | float)
    if kind == "object":
        return isinstance(item, dict) and all(isinstance(value, str) and "." not in key for key, value in item.items())
    return isinstance(item, str)


def _pairs(document: dict[str, Any]) -> list[str]:
    """Return a fault for each event type that no category of the document expects."""
    event, allowed = document["event"], fields()["event.category"]["allowed"]
    expected = {kind for category in event.get("category", []) for kind in allowed[category]}
    return [f"no category goes with the type {kind}" for kind in event.get("type", []) if kind not in expected]
