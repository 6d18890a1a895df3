"""The requirements of a plugin's package, checked against what is installed, from metadata; nothing is imported."""

import importlib.metadata
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;()]*)\)?\s*")
"""Form of a requirement: `mozu>=1.2,<3` or `mozu (>=1.2)` (core metadata, Requires-Dist). A requirement with a marker
(`; …`) does not match: whether it applies depends on extras and on the machine."""
_CLAUSE: Final = re.compile(r"\s*(~=|===?|!=|<=?|>=?)\s*v?([0-9][^\s,]*)\s*")
_RELEASE: Final = re.compile(r"\d+(?:\.\d+)*")


def unmet_requirements(distribution: str) -> Iterator[str]:
    """Yield a sentence for each requirement without a marker that what is installed does not meet."""
    try:
        required = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:  # no distribution: a module on the search path
        return
    for text in required:
        found = _REQUIREMENT.fullmatch(text)
        if found is None:
            continue
        try:
            version = importlib.metadata.version(found[1])
        except importlib.metadata.PackageNotFoundError:
            yield f"{distribution} requires {text.strip()}, which is not installed; install it"
            continue
        clauses = [_CLAUSE.fullmatch(one) for one in filter(str.strip, found[2].split(","))]
        if not all(clause is None or _meets(version, clause[1], clause[2]) for clause in clauses):
            remedy = f"install a version that is, or another version of {distribution}"
            yield f"{distribution} requires {text.strip()}, and {found[1]} {version} is none; {remedy}"


def _meets(version: str, operator: str, wanted: str) -> bool:
    """Compare releases (PEP 440); a pre-release counts as its release."""
    has, asked = _release(version), _release(wanted)
    if wanted.endswith(".*"):
        has = has[: len(asked)]
    order = _compared(has, asked)
    if operator == "~=":
        return order >= 0 and has[: len(asked) - 1] == asked[:-1]
    return {
        "==": order == 0, "===": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0,
        ">=": order >= 0,
    }[operator]  # fmt: skip


def _release(version: str) -> tuple[int, ...]:
    found = _RELEASE.match(version)
    return tuple(map(int, found[0].split("."))) if found is not None else ()


def _compared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    for left, right in zip_longest(one, other, fillvalue=0):
        if left != right:
            return 1 if left > right else -1
    return 0
