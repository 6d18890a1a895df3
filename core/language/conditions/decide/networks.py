"""Comparisons of one address with networks."""

from collections.abc import Sequence

from mozu.core.filter.ip_text import Network
from mozu.core.language.conditions.decide.literals import Literal, constants
from mozu.core.language.conditions.operands import Typed


def has_value(literals: Sequence[Literal], typed: Typed) -> bool:
    """Return False if no address lies in one network of each demanded comparison and in none of the excluded."""
    demanded = [constants(one, typed) for one in literals if one.test.values and not one.negated]
    excluded = [network for one in literals if one.negated for network in constants(one, typed)]
    return all(
        any(
            not any(_contains(network, one) for network in excluded)
            and all(any(_overlap(one, other) for other in others) for others in demanded)
            for one in networks
        )
        for networks in demanded
    )


def _contains(outer: Network, inner: Network) -> bool:
    return outer[0] == inner[0] and outer[2] & inner[2] == outer[2] and inner[1] & outer[2] == outer[1]


def _overlap(one: Network, other: Network) -> bool:
    return _contains(one, other) or _contains(other, one)
