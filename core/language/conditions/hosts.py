"""Host names that conditions compare addresses with: the core resolves them."""

from collections.abc import Iterable

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import Formula, leaves
from mozu.core.language.conditions.generate.comparison import constants
from mozu.core.language.conditions.operands import Resolver


def hosts(conditions: Iterable[Formula], resolver: Resolver) -> frozenset[str]:
    """Return every constant compared with a field whose constants are host names (`fd.sip.name`)."""
    found: set[str] = set()

    for leaf in (leaf for condition in conditions for leaf in leaves(condition) if isinstance(leaf, Comparison)):
        typed = resolver.typed(leaf.left)
        if "host_name" in typed.traits:
            found.update(constants(leaf, typed))
    return frozenset(found)
