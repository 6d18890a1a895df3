"""Names of mozu and of rules in records."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from mozu.core.caches import cached
from mozu.core.model.alert import Alert
from mozu.core.model.event import printable

NAME: Final = "mozu"
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9]+")


@cache
def version() -> str:
    """Return mozu's version; `unknown` in a tree that is not installed.

    An installer puts the metadata beside the package, in a directory that has the version in its name (PEP 376).
    """
    beside = list(Path(__file__).parents[4].glob(f"{NAME}-*.dist-info"))
    if len(beside) == 1:
        return beside[0].name.removeprefix(f"{NAME}-").removesuffix(".dist-info")
    from importlib.metadata import PackageNotFoundError, version  # takes 12 ms, which a start need not pay

    try:
        return version(NAME)
    except PackageNotFoundError:
        return "unknown"


@cached(4096)
def slug(rule: str) -> str:
    """Return a rule's name as an identifier: `Terminal shell in container` → `terminal_shell_in_container`."""
    return _NOT_IN_SLUG.sub("_", printable(rule).lower()).strip("_") or "rule"


def rule_id(alert: Alert) -> str:
    """Return the rule's id; its name as an identifier if it has none."""
    return printable(alert.rule_id) or slug(alert.rule)
