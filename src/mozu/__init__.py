"""mozu: runtime security from the perch of the shrike. The public API of plugins."""

from mozu.core.api import *  # noqa: F403
from mozu.core.api import __all__ as __all__
