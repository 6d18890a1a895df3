"""Fields `static.NAME`: texts that the configuration defines for rules and outputs."""

from collections.abc import Mapping

from mozu.core.model.fields import Field, FieldRegistry, FieldType


def with_static_fields(fields: FieldRegistry, texts: Mapping[str, str]) -> FieldRegistry:
    """Return the registry with a field `static.NAME` for each text; the given registry is unchanged."""
    if not texts:
        return fields
    found = FieldRegistry((*fields, *(_static(name, text) for name, text in texts.items())), fields.lookups)
    for source, types in fields.declared_sources().items():
        found.declare_source(source, types)
    return found


def _static(name: str, text: str) -> Field:
    return Field(
        name=f"static.{name}",
        type=FieldType.STRING,
        doc="A text from the configuration.",
        read=lambda _: text,
        sources=frozenset({"*"}),
        traits=frozenset({"suggested"}),
    )
