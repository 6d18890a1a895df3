"""Names in a configuration that no plugin has: what was perhaps meant, and what to do."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from mozu.core.api import Kind
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.plugin_checks import Origin


def unknown_plugin(
    kind: Kind, name: str, declared: Collection[tuple[Kind, str]], installed: Mapping[str, Sequence[Origin]]
) -> str:
    """No plugin of this kind has the name. `declared`: by plugins that are loaded."""
    others = (other for other in Kind if other is not kind)
    elsewhere = [other for other in others if name in BUILTINS[other] or (other, name) in declared]
    if elsewhere:
        return f"this is a plugin of the kind {elsewhere[0]}, not {kind}; list it under `{elsewhere[0].section}`"
    if name in installed:
        origin = installed[name][0]
        return f"{origin} is installed and its entry point declares no {kind} of this name; see `mozu plugins`"
    if kind is Kind.RESPONDER:
        return "no plugin can bring a responder yet: the list is kept for them; leave it empty"
    known = {*BUILTINS[kind], *installed, *(other for of, other in declared if of is kind)}
    hint = suggestion(name, known)
    return f"no {kind} has this name{hint}" + (
        "" if hint else f"; known: {', '.join(sorted(known)) or 'none'}; a third party's must be installed first"
    )


def unknown_format(entry: Entry, formats: Iterable[str], unloaded: Sequence[str]) -> str:
    """Which format was perhaps meant, or which plugin may bring it: nothing is imported to see."""
    hint = suggestion(entry.format, formats) or f"; known: {', '.join(formats)}"
    text = f"{entry.kind} {entry.id}: no format is called {entry.format!r}{hint}"
    if not unloaded:
        return text
    may = "a plugin that is installed and not loaded may bring it: name it under `plugins`"
    return f"{text}; {may} ({', '.join(sorted(unloaded))})"
