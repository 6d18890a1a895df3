"""The JSON Schemas of mozu's formats: files of `schemas/v1`, which are part of the package."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

_FOLDER: Final = Path(__file__).with_name("schemas") / "v1"


def schema(name: str) -> str:
    """Return the complete JSON Schema (draft 2020-12) of a format, with references replaced by their targets."""
    document = orjson.loads((_FOLDER / f"{name}.schema.json").read_bytes())
    for key, value in document["properties"].items():
        reference = value.get("$ref", "")
        if reference:  # urn:mozu:alert:NAME:v1
            document["properties"][key] = orjson.loads(schema(reference.split(":")[3]))
    return orjson.dumps(document).decode()


def always(name: str) -> Callable[[object], str]:
    """Return a `FormatDeclaration.schema` for a format whose schema does not depend on its options."""
    return lambda _options: schema(name)
