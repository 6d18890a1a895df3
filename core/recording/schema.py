"""The JSON Schema of a line: `python -m mozu.core.recording.schema` writes schemas/recording/v1.schema.json."""

import json
from inspect import cleandoc
from typing import get_args

import msgspec

from mozu.core.model.event import File
from mozu.core.model.value_types import Json, JsonObject
from mozu.core.recording.lines import VERSION, DataLine, HeadLine, MetadataLine, TypeLine, ValuesLine

_EVENT: list[JsonObject] = [
    {"type": "string", "description": "type"},
    {"type": "string", "description": "form: a letter for each parameter, then a colon and what was observed"},
    {"type": "integer", "minimum": 0, "description": "number"},
    {"type": "integer", "minimum": 0, "description": "time, ns since the epoch"},
    {"type": "integer", "minimum": -1, "description": "thread"},
    {"type": "integer", "minimum": -1, "description": "process"},
    {"type": "integer", "minimum": 0, "description": "processor"},
    {"type": ["integer", "null"], "description": "descriptor"},
    {"type": "array", "description": "parameters"},
]


def schema() -> JsonObject:
    """Return the JSON Schema, draft 2020-12."""
    classes = (HeadLine, TypeLine, *get_args(MetadataLine), ValuesLine, DataLine, File)
    shapes, parts = msgspec.json.schema_components(classes, ref_template="#/$defs/{name}")
    file: JsonObject = {
        "anyOf": [{"type": "null"}, shapes[-1]],
        "description": "what the source says of the descriptor",
    }
    event: JsonObject = {
        "type": "array",
        "prefixItems": [*_EVENT, file, {"description": "what was observed, for the state machine"}],
        "minItems": len(_EVENT),
        "maxItems": len(_EVENT) + 2,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a recording, version {VERSION}",
        "anyOf": [event, *shapes[:-1]],
        "$defs": _tidied(parts),
    }


def _tidied(node: Json) -> Json:
    """Return the schema with docstrings dedented as in Python 3.13; earlier versions keep the indentation."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidied = {key: _tidied(value) for key, value in node.items()}
    description = node.get("description")
    return {**tidied, "description": cleandoc(description)} if isinstance(description, str) else tidied


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
