"""Environment variables in files: `${VAR}` and `${VAR:-default}` in scalars; `$${` stands for a literal `${`."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[^}:]*)(?P<default>:-[^}]*)?(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Unset(ValueError):
    """A reference that cannot be replaced; the text says why."""


def has_reference(text: str) -> bool:
    """Return True if there is anything to substitute."""
    return "${" in text


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """Return the text with every reference replaced. A variable that is unset or empty takes the default, as in a
    shell.

    Raises Unset for a variable without value and default, and for a reference that is not well formed.
    """

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match["name"], match["default"]
        if not match["end"] or not _NAME.fullmatch(name):
            forms = "write ${NAME} or ${NAME:-default}, or $${ for the characters themselves"
            raise Unset(f"{match[0]!r} is no reference to a variable; {forms}")
        found = environment.get(name)
        if default is not None:
            return found or default[2:]
        if found is None:
            raise Unset(f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}")
        return found

    return _REFERENCE.sub(value, text)
