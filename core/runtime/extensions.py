"""Extensions: declarations of plugins that are no components (fields of any event, formats of alerts)."""

from collections.abc import Iterator, Mapping

import msgspec

from mozu.core.api.extensions import AnyExtension, FieldsDeclaration, FormatDeclaration
from mozu.core.delivery.encode import FORMATS, Formats
from mozu.core.errors import PluginError
from mozu.core.runtime.plugin_checks import Origin


class Extension(msgspec.Struct, frozen=True):
    """A declaration of fields or of a format, with its origin."""

    declaration: AnyExtension
    origin: Origin


class Extensions:
    """The extensions of every plugin that is loaded."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Extension] = {}

    def add(self, extension: Extension) -> None:
        """Add an extension. Raises PluginError if another plugin, or the core, has the name."""
        declaration, origin = extension.declaration, extension.origin
        key = declaration.what, declaration.name
        other = self._found.get(key)
        if isinstance(declaration, FormatDeclaration) and declaration.name in FORMATS:
            raise PluginError(declaration.name, f"{origin}: mozu has a format of this name; rename it")
        if other is not None:
            what = f"the {declaration.what} of this name come from {other.origin} and from {origin}"
            raise PluginError(declaration.name, f"{what}; load only one of them")
        self._found[key] = extension

    def __iter__(self) -> Iterator[Extension]:
        return iter(sorted(self._found.values(), key=lambda one: (one.declaration.what, one.declaration.name)))

    def formats(self) -> Mapping[str, FormatDeclaration]:
        """Return the formats by name, the core's and those of plugins."""
        brought = (one.declaration for one in self)
        return Formats({one.name: one for one in brought if isinstance(one, FormatDeclaration)})

    def named(self, kind: type[AnyExtension], name: str) -> str:
        """Return the origin of an extension, for the log; empty if the core has it."""
        found = self._found.get((kind.what, name))
        return "" if found is None else f"plugin {found.origin.plugin} of {found.origin}"

    def fields(self) -> Iterator[tuple[FieldsDeclaration, Origin]]:
        """Yield the declared sets of fields, each with its origin."""
        for one in self:
            if isinstance(one.declaration, FieldsDeclaration):
                yield one.declaration, one.origin
