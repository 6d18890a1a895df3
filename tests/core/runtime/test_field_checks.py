"""Fields of plugins: what is kept for one that does not say what it reads, and one name for one field."""

import pytest

from mozu.core.api import Field, FieldRegistry, FieldsDeclaration, FieldType, hookimpl
from mozu.core.errors import PluginError
from mozu.core.filter.demand import STATE_DEPENDENCIES
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.runtime.registry import Registry


def field(name: str = "acme.x", sources: frozenset[str] = frozenset({"syscall"}), **more: frozenset[str]) -> Field:
    return Field(name=name, type=FieldType.STRING, doc="X.", read=lambda event: "x", sources=sources, **more)  # type: ignore[arg-type]  # `needs` alone


class Brings:
    """A plugin of fields."""

    def __init__(self, name: str, *fields: Field) -> None:
        self._declaration = FieldsDeclaration(name=name, summary="Fields.", fields=fields)

    @hookimpl
    def mozu_components(self) -> FieldsDeclaration:
        return self._declaration


def registry(*plugins: Brings) -> FieldRegistry:
    found, fields = Registry(), FieldRegistry(builtin_fields())
    for number, plugin in enumerate(plugins):
        found.add(f"plugin {number}", plugin)
    found.add_fields(fields)
    return fields


def test_everything_is_kept_for_a_field_of_system_calls_that_declares_nothing() -> None:
    """It would read a working directory, an identity, a name of long ago, and nothing would say so."""
    assert registry(Brings("acme", field())).resolve("acme.x").needs == frozenset(STATE_DEPENDENCIES)


def test_what_a_field_declares_is_kept_and_nothing_else() -> None:
    found = registry(Brings("acme", field(needs=frozenset({"cwd"})), field("acme.y", needs=frozenset())))
    assert (found.resolve("acme.x").needs, found.resolve("acme.y").needs) == (frozenset({"cwd"}), frozenset())


def test_a_field_of_other_events_needs_no_state() -> None:
    assert registry(Brings("acme", field(sources=frozenset({"acme"})))).resolve("acme.x").needs == frozenset()


def test_two_plugins_with_one_field_are_refused_with_both_names() -> None:
    text = r"plugin 1 .*: the field acme.x is there already, from plugin 0 .*; rename it"
    with pytest.raises(PluginError, match=text):
        registry(Brings("one", field()), Brings("two", field()))


def test_a_field_of_the_core_is_refused() -> None:
    with pytest.raises(PluginError, match=r"the field proc.name is there already, from mozu itself; rename it"):
        registry(Brings("one", field("proc.name")))


def test_two_plugins_with_one_set_of_fields_are_refused() -> None:
    with pytest.raises(PluginError, match="the fields of this name come from"):
        registry(Brings("one", field()), Brings("one", field("acme.y")))
