"""Schemas of other people's files, which check-jsonschema carries."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def carried(name: str) -> Any:
    """Return a schema by its place in the folder; the package is not imported, only its files are read."""
    found = find_spec("check_jsonschema")
    assert found is not None
    assert found.origin is not None
    return json.loads((Path(found.origin).parent / "builtin_schemas" / name).read_text())
