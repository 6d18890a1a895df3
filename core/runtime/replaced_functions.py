"""Functions of libraries that mozu calls by their module, as they were before the first plugin was imported.

A plugin that replaces one of them (`json.dumps = …`) replaces it for mozu and for every other plugin, too.
"""

import importlib
from collections.abc import Iterator
from typing import Final

_MODULES: Final = ("json", "logging", "orjson", "os", "signal", "socket", "time")
_functions: Final = {
    (name, attribute): value
    for name in _MODULES
    for attribute, value in vars(importlib.import_module(name)).items()
    if callable(value) and not attribute.startswith("__")
}
"""(module, name) → the function; taken when the registry of plugins is imported."""


def put_back() -> Iterator[tuple[str, object]]:
    """Put back each function that was replaced, and yield its name and what stood in its place."""
    for (name, attribute), value in _functions.items():
        module = importlib.import_module(name)
        found = vars(module).get(attribute)
        if found is not value:
            setattr(module, attribute, value)
            yield f"{name}.{attribute}", found
