"""mozu: runtime security from the perch of the shrike. The public API of plugins."""

from mozu.core import *  # noqa: F403
from mozu.core import __all__ as __all__
