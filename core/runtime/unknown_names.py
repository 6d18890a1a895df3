"""Names in a configuration that no plugin has: a suggestion, and what to do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from mozu.core.api import Kind
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.plugin_checks import Origin

_INSTALL: Final = "a third party's must be installed first"


def unknown_plugin(
    kind: Kind,
    name: str,
    declared: Collection[tuple[Kind, str]],
    installed: Mapping[str, Sequence[Origin]],
    unloaded: Sequence[str],
) -> str:
    """Return what to do about a name that no plugin of this kind has. `declared` are the components of loaded plugins,
    `unloaded` the entry points that are not loaded, any of which may bring the name."""
    others = (other for other in Kind if other is not kind)
    elsewhere = [other for other in others if name in BUILTINS[other] or (other, name) in declared]
    if elsewhere:
        return f"this is a plugin of the kind {elsewhere[0]}, not {kind}; list it under `{elsewhere[0].section}`"
    if name in installed:
        origin = installed[name][0]
        return f"{origin} is installed and its entry point declares no {kind} of this name; see `mozu plugins`"
    known = {*BUILTINS[kind], *installed, *(other for of, other in declared if of is kind)}
    hint = suggestion(name, known)
    if hint:
        return f"no {kind} has this name{hint}"
    text = f"no {kind} has this name; known: {', '.join(sorted(known)) or 'none'}"
    return f"{text}; {_unloaded(unloaded) or _INSTALL}"


def unknown_format(entry: Entry, formats: Iterable[str], unloaded: Sequence[str]) -> str:
    """Return which format was perhaps meant, or which plugin may bring the format; nothing is imported to find out."""
    hint = suggestion(entry.format, formats) or f"; known: {', '.join(formats)}"
    text = f"{entry.kind} {entry.id}: no format is called {entry.format!r}{hint}"
    return f"{text}; {_unloaded(unloaded)}" if unloaded else text


def _unloaded(names: Sequence[str]) -> str:
    """Return a sentence with the plugins that may bring a name; empty if none is left."""
    if not names:
        return ""
    listed = ", ".join(sorted(names))
    return f"a plugin that is installed and not loaded may bring it: name it under `plugins` (`plugins: [{listed}]`)"
