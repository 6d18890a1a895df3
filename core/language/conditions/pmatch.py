"""Operator `pmatch`: a value equals a path of a set, or is below one, component by component."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.language.conditions.globs import latin, literal, regex

_FEW: Final = 64
"""Maximum number of paths that are compared one by one; of more, each directory of the value is looked up."""
_SLASHES = re.compile(r"/{2,}")


def normal(path: str) -> str:
    """Normalise a path: one leading slash, none at the end, none doubled; `/` and the empty text become empty."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if not path.startswith("/"):
        path = f"/{path}"
    return path[:-1] if path.endswith("/") else path


def matcher(paths: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tests whether a value is one of the paths or below it. Components may be fnmatch
    patterns."""
    wanted = [normal(path) for path in paths]
    if "" in wanted:
        return lambda value: True
    plain = frozenset(path for path in wanted if literal(path) is not None)
    below = tuple(f"{path}/" for path in plain)
    patterns = [path for path in wanted if path not in plain]

    def matches_few(value: str) -> bool:
        path = normal(value)
        return path in plain or path.startswith(below)

    def matches_many(value: str) -> bool:
        path = normal(value)
        while path and path not in plain:
            path = path[: path.rfind("/")]
        return bool(path)

    matches = matches_few if len(plain) <= _FEW else matches_many
    if not patterns:
        return matches
    full_match = re.compile("|".join(map(_components, patterns)), re.DOTALL).fullmatch
    return lambda value: matches(value) or full_match(latin(normal(value))) is not None


def _components(path: str) -> str:
    """Return an expression that matches each component against its own pattern, and any path below."""
    pieces = (f"/{regex(part, '[^/]')}(?=/|\\Z)" for part in path.split("/")[1:])
    return "".join(pieces) + "(?:/.*)?"
