"""The hook by which a plugin says what it brings.

A plugin is a module (or object) with the hook below. The hook returns *declarations*: of components (kind, name,
settings, what else the component brings, how to build it), of fields, of formats. pluggy is called to collect
declarations when configuration is read; never on the path of an event.

Third parties: group `mozu` of entry points; name the distribution `mozu-<name>`. An entry point is imported only if the
configuration names it.
"""

from collections.abc import Sequence

import pluggy

from mozu.core.api.declarations import AnyDeclaration
from mozu.core.api.extensions import AnyExtension

Brought = AnyDeclaration | AnyExtension
"""Any declaration that the hook may return."""

hookspec = pluggy.HookspecMarker("mozu")
hookimpl = pluggy.HookimplMarker("mozu")


class Hooks:
    """The hook specification."""

    @hookspec
    def mozu_components(self) -> Brought | Sequence[Brought]:  # type: ignore[empty-body]  # pluggy never calls a spec
        """Declare what a plugin brings: components, each with the declaration of its kind; fields; formats.

        Called: once, when configuration has been read, on the main thread.
        Returns: one declaration, or several.
        May block: no.
        If it raises: the plugin is refused by name and mozu does not start.
        """
