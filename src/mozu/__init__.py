"""mozu: runtime security from the perch of the shrike. The public API of plugins.

The API is imported when its first name is asked for: the command `mozu` prepares the process before that
(core/cli/process_settings.py).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mozu.core.api import *  # noqa: F403  the same names, which __all__ lists
    from mozu.core.api import __all__ as __all__

try:
    import mozu.core  # noqa: F401  whether it is there
except ModuleNotFoundError as error:
    if error.name != "mozu.core":
        raise
    raise ImportError(
        "src/mozu/core is no symbolic link in this checkout (git's core.symlinks is false): install mozu, which needs "
        "no links (pip install .), or check out again with core.symlinks=true"
    ) from None


def __getattr__(name: str) -> object:
    """A name of the public API (PEP 562)."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mozu.core import api

    if name != "__all__" and name not in api.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(api, name)
    return found


def __dir__() -> list[str]:
    from mozu.core import api

    return sorted({*globals(), *api.__all__})
