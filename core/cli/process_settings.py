"""Settings of the process of the command `mozu`, made before anything else is imported.

A start makes a hundred thousand objects, of which all but one in a hundred stay, and Python's search for garbage in
cycles takes a tenth of a start's CPU. Collection is off until the start is over; objects made by then are never
searched (core/runtime/engine/startup.py), and later ones less often.

pydantic would import every plugin for itself that it finds among the installed distributions. Code that no
configuration names does not run in this process.
"""

import gc
import os
from typing import Final

_NEW_OBJECTS: Final = 10_000
"""Between two looks at the young ones; Python's own number is 700."""
_LOOKS: Final = 20
"""Collections of the youngest generation between two of the next one."""
_PYDANTIC_PLUGINS: Final = "PYDANTIC_DISABLE_PLUGINS"


def settle() -> None:
    """Apply the settings. No garbage is collected from now on."""
    gc.disable()
    gc.set_threshold(_NEW_OBJECTS, _LOOKS, _LOOKS)
    os.environ.setdefault(_PYDANTIC_PLUGINS, "__all__")


def resume_collection() -> None:
    """Collect garbage: for commands that start nothing."""
    gc.enable()
