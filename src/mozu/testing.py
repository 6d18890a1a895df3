"""The kit for plugin authors: the name that is promised for `mozu.core.testing`."""

from mozu.core.testing import *  # noqa: F403  the same names, which __all__ lists
from mozu.core.testing import __all__ as __all__
