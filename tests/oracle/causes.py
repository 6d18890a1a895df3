"""Documented differences: each cause is a heading of docs/rules/falco-compatibility.md and a test on one disagreement.

A cause looks at the rule, the field and the values, never at the name of a scenario.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set

import msgspec
from msgspec.structs import replace

from mozu.core.language.rules import Rule
from mozu.core.model.alert import Alert
from tests.oracle.compare import REFUSED, Difference
from tests.oracle.readings import READINGS

_NAMES = ("user.name", "user.loginname", "user.homedir", "user.shell", "group.name")
_RESOLVED = re.compile(r"\([^()]*\)")
_HEX_ESCAPE = re.compile(r"\\x[0-9a-fA-F]{2}")
_DOTTED_LABEL = re.compile(r"(?:container|k8s\.\w+)\.label\.\w")
_UNNAMED = "<unknown>"
_IPV4_CONNECTION = r"[0-9.]+:[0-9]+->[0-9.]+:[0-9]+"
_NUMBERS = ("int", "uint", "double")


class Case(msgspec.Struct, frozen=True):
    """Facts about a run that a cause may consult beside the difference."""

    rules: Mapping[str, Rule]
    """Rules that ran; empty if loading failed."""
    rules_text: str
    """Text of all rule files, concatenated."""
    alerts: Mapping[tuple[str, str], Sequence[Alert]]
    """(rule, time as printed) → alerts found."""
    lists_users: bool
    """True if the recording lists its users."""
    read: Mapping[tuple[str, str], Set[str]] = {}
    """(cause, rule) → times as printed at which the rule matches under Falco's reading for that cause; only rules whose
    condition that reading changes.
    """
    unnamed: frozenset[tuple[str, str]] = frozenset()
    """(rule, time as printed) of alerts in which Falco has no name for a connection."""


Predicate = Callable[[Difference, Case], bool]


def _as_read(cause: str) -> Predicate:
    """Return a predicate: the rule matched on one side only, and under Falco's reading it matches as in Falco."""

    def explains(difference: Difference, case: Case) -> bool:
        times = case.read.get((cause, difference.rule))
        if difference.level != 0 or difference.key != "" or times is None:
            return False
        return (difference.at in times) == (difference.expected is not None)

    return explains


def _reader_names(difference: Difference, case: Case) -> bool:
    if difference.level != 2 or case.lists_users:
        return False
    if difference.key.startswith("evt.arg"):
        one, other = (_RESOLVED.sub("()", str(side)) for side in (difference.expected, difference.found))
        return one == other
    return bool(difference.key in _NAMES and difference.found == "<NA>")


def _if_accepted(text: re.Pattern[str]) -> Predicate:
    """Return a predicate: Falco refuses rules that mozu accepts, and the rules' text contains a match of `text`."""

    def explains(difference: Difference, case: Case) -> bool:
        accepted = difference.key == "status" and difference.expected == REFUSED
        return accepted and bool(case.rules) and text.search(case.rules_text) is not None

    return explains


def _list_order(difference: Difference, case: Case) -> bool:
    one, other = difference.expected, difference.found
    lists = difference.level == 2 and isinstance(one, list) and isinstance(other, list)
    return lists and sorted(map(str, one)) == sorted(map(str, other))


def _unknown_name(difference: Difference, case: Case) -> bool:
    """Return True if a connection of IPv4 stands for `<unknown>` in a text, or the transport in an alert with such a
    text.
    """
    one, other = difference.expected, difference.found
    if difference.key == "fd.l4proto":
        return (one, other) == ("<NA>", "tcp") and (difference.rule, difference.at) in case.unnamed
    if difference.level != 2 or not isinstance(one, str) or not isinstance(other, str) or _UNNAMED not in one:
        return False
    return re.fullmatch(re.escape(one).replace(_UNNAMED, _IPV4_CONNECTION), other) is not None


def _block_device(difference: Difference, case: Case) -> bool:
    """Return True if a rule sees a block device, or if a mode, by itself or among all parameters, names one as well."""
    one, other = difference.expected, difference.found
    if difference.level == 0:
        return _as_read("block-devices")(difference, case)
    texts = difference.key.startswith("evt.arg") and isinstance(other, str)
    return texts and "S_IFCHR|S_IFBLK" in other and other.replace("|S_IFBLK", "") == one


def _transformed_number(difference: Difference, case: Case) -> bool:
    """Return True if the texts are equal without the numbers that transformers return."""
    if difference.level != 1 or difference.key not in ("output", "message"):
        return False
    for alert in case.alerts.get((difference.rule, difference.at), ()):
        refs = alert.template.refs()
        hidden = {ref.key for ref in refs if not ref.is_field and ref.type in _NUMBERS}
        values = {key: value for key, value in alert.values.items() if key not in hidden}
        if hidden and str(difference.expected).endswith(alert.template.render(values)):
            return True
    return False


CAUSES: dict[str, Predicate] = {
    **{cause: _as_read(cause) for cause in READINGS},
    "names-of-the-reading-machine": _reader_names,
    "hexadecimal-escapes": _if_accepted(_HEX_ESCAPE),
    "dotted-keys-of-labels": _if_accepted(_DOTTED_LABEL),
    "order-of-lists": _list_order,
    "sockets-without-a-name": _unknown_name,
    "block-devices": _block_device,  # a value, or by the condition
    "numbers-from-transformers": _transformed_number,
}
"""Name (as in the document) → predicate that explains a difference. Texts are explained by the fields that they print.
"""


def causes_of(differences: Sequence[Difference], case: Case) -> tuple[str, ...]:
    """Return for each difference the first cause that explains it, or an empty string."""
    unnamed = frozenset((one.rule, one.at) for one in differences if one.level and _UNNAMED in str(one.expected))
    case = replace(case, unnamed=unnamed)
    found = [_cause(difference, case) for difference in differences]
    for at, difference in enumerate(differences):
        if difference.level == 1 and not found[at]:
            found[at] = _by_fields(difference, differences, found)
    return tuple(found)


def _cause(difference: Difference, case: Case) -> str:
    return next((name for name, explains in CAUSES.items() if explains(difference, case)), "")


def _by_fields(text: Difference, differences: Sequence[Difference], found: Sequence[str]) -> str:
    """Return the cause of a text that differs because fields of the same alert do, if each of these has a cause."""
    own = [
        cause
        for difference, cause in zip(differences, found, strict=True)
        if difference.level == 2 and (difference.rule, difference.at) == (text.rule, text.at)
    ]
    return own[0] if own and all(own) and text.key in ("output", "message") else ""
