"""A distribution of a third party, for tests of finding installed plugins."""

from collections.abc import Callable

GOOD = """
from mozu.core.api import Settings, SourceDeclaration, hookimpl

class TickerSettings(Settings):
    every: float = 1.0
    name: str

@hookimpl
def mozu_components():
    return SourceDeclaration(name="ticker", build=print, summary="Ticks.", settings=TickerSettings)
"""

Install = Callable[..., None]
"""(distribution, text of each module by name, target of each entry point by name)."""
