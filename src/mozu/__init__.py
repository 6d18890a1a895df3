"""mozu: runtime security from the perch of the shrike. The public API of plugins."""

try:
    from mozu.core.api import *  # noqa: F403  the same names, which __all__ lists
    from mozu.core.api import __all__ as __all__
except ModuleNotFoundError as error:
    if error.name != "mozu.core":
        raise
    raise ImportError(
        "src/mozu/core is no symbolic link in this checkout (git's core.symlinks is false): install mozu, which needs "
        "no links (pip install .), or check out again with core.symlinks=true"
    ) from None
