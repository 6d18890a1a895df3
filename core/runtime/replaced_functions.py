"""Functions of libraries that mozu calls by their module, as they were before plugins were imported.

A plugin that replaces one of them (`json.dumps = …`) replaces it for mozu and for every other plugin, too.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

_MODULES: Final = ("json", "logging", "orjson", "os", "signal", "socket", "time")
Functions = Mapping[tuple[str, str], Callable[..., object]]
"""(module, name) → the function."""


def current() -> Functions:
    """Return the functions as they are now."""
    return {
        (name, attribute): value
        for name in _MODULES
        for attribute, value in vars(importlib.import_module(name)).items()
        if callable(value) and not attribute.startswith("__")
    }


_at_first: Final = current()
"""The functions as of the import of the plugin registry."""


def put_back(before: Functions = _at_first) -> Iterator[tuple[str, object]]:
    """Put back each function that was replaced since, and yield its name and the replacement."""
    for (name, attribute), value in before.items():
        module = importlib.import_module(name)
        found = vars(module).get(attribute)
        if found is not value:
            setattr(module, attribute, value)
            yield f"{name}.{attribute}", found
