"""How mozu names itself, and rules, in records."""

import importlib.metadata
import re
from functools import cache
from typing import Final

from mozu.core.caches import cached
from mozu.core.model.event import printable

NAME: Final = "mozu"
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9]+")


@cache
def version() -> str:
    """mozu's own version; `unknown` in a tree that is not installed."""
    try:
        return importlib.metadata.version(NAME)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


@cached(4096)
def slug(rule: str) -> str:
    """A rule's name as an identifier: `Terminal shell in container` → `terminal_shell_in_container`."""
    return _NOT_IN_SLUG.sub("_", printable(rule).lower()).strip("_") or "rule"
