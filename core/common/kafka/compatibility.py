"""A check that the installed aiokafka has the private parts that mozu uses.

aiokafka has no public way to throttle a client, to drop what a producer still holds, or to close a consumer whose group
does not answer. pyproject.toml bounds its version; this check is for environments that do not follow it. Texts of log
lines, which `client_log.py` reads, cannot be checked: another version's are merely less precise.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from inspect import Parameter, signature
from pkgutil import resolve_name
from typing import Any, Final

SUPPORTED: Final = ">=0.12,<0.15"
"""The versions that have these parts; the same as in pyproject.toml."""

_METHODS: Final = {
    # client_throttle.py replaces these three
    ("aiokafka.client:AIOKafkaClient", "_get_conn"): 2,
    ("aiokafka.client:AIOKafkaClient", "_metadata_update"): 3,
    ("aiokafka.client:AIOKafkaClient", "send"): 3,
    ("aiokafka.producer.message_accumulator:MessageAccumulator", "fail_all"): 2,
}
"""Method → the number of its positional parameters, self included; all others are keyword-only."""

_ATTRIBUTES: Final = (
    ("aiokafka.client:AIOKafkaClient", "_topics"),
    ("aiokafka.cluster:ClusterMetadata", "unauthorized_topics"),
    ("aiokafka:AIOKafkaProducer", "client"),
    ("aiokafka:AIOKafkaProducer", "_message_accumulator"),
    ("aiokafka:AIOKafkaProducer", "_sender"),
    ("aiokafka.producer.sender:Sender", "sender_task"),
    ("aiokafka:AIOKafkaConsumer", "_client"),
    ("aiokafka.coordinator.assignors.sticky.sticky_assignor:StickyPartitionAssignor", "member_assignment"),
)


def require_compatible() -> None:
    """Raise ValueError with the version, the missing parts, and the versions that are supported, unless all parts
    exist."""
    missing = next(_missing(), None)
    if missing is not None:
        found = f"aiokafka {version('aiokafka')} cannot be used: it lacks {missing}"
        raise ValueError(f"{found}; install aiokafka{SUPPORTED}")


def _missing() -> Iterator[str]:
    for (owner, name), positional in _METHODS.items():
        method = getattr(_class(owner), name, None)
        if method is None or not _takes(method, positional):
            yield f"{owner}.{name} with {positional - 1} positional parameters"
    for owner, name in _ATTRIBUTES:
        found = _class(owner)
        if not hasattr(found, name) and name not in _names_in(getattr(found, "__init__", None)):
            yield f"{owner}.{name}"


def _class(place: str) -> object:
    try:
        return resolve_name(place)
    except (ImportError, AttributeError):
        return None


def _takes(method: Callable[..., Any], positional: int) -> bool:
    kinds = [parameter.kind for parameter in signature(method).parameters.values()]
    first, others = kinds[:positional], kinds[positional:]
    return first == [Parameter.POSITIONAL_OR_KEYWORD] * positional and set(others) <= {Parameter.KEYWORD_ONLY}


def _names_in(function: object) -> frozenset[str]:
    """Return the attributes that `__init__` sets: an instance, which would show them, cannot be made without a running
    loop."""
    code = getattr(function, "__code__", None)
    return frozenset() if code is None else frozenset(code.co_names)
