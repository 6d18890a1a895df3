"""Fields of plugins: the state kept for one that does not declare its reads, and one name for one field."""

from typing import Any

import msgspec
import pytest

from mozu.core.api import (
    Field,
    FieldRegistry,
    FieldsDeclaration,
    FieldType,
    Settings,
    SourceDeclaration,
    hookimpl,
)
from mozu.core.api.hookspecs import Brought
from mozu.core.errors import PluginError
from mozu.core.filter.demand import STATE_DEPENDENCIES
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.runtime.registry import Registry


def field(name: str = "acme.x", sources: frozenset[str] = frozenset({"syscall"}), **more: frozenset[str]) -> Field:
    return Field(name=name, type=FieldType.STRING, doc="X.", read=lambda event: "x", sources=sources, **more)  # type: ignore[arg-type]  # `needs` alone


class Brings:
    """A plugin with fields."""

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
    """Check because the field would silently read a missing working directory, identity or earlier name."""
    assert registry(Brings("acme", field())).resolve("acme.x").needs == frozenset(STATE_DEPENDENCIES)


def test_what_a_field_declares_is_kept_and_nothing_else() -> None:
    found = registry(Brings("acme", field(needs=frozenset({"cwd"})), field("acme.y", needs=frozenset())))
    assert (found.resolve("acme.x").needs, found.resolve("acme.y").needs) == (frozenset({"cwd"}), frozenset())


def test_a_field_of_other_events_needs_no_state() -> None:
    assert registry(Brings("acme", field(sources=frozenset({"acme"})))).resolve("acme.x").needs == frozenset()


@pytest.mark.parametrize(
    ("member", "value", "text"),
    [
        ("sources", "bad", r"'acme.x' has the `sources` 'bad'; give a frozenset of str, such as `frozenset\({'bad'}"),
        ("sources", frozenset({1}), "has the `sources` .*; give a frozenset of str"),
        ("needs", ("cwd",), "has the `needs` .*; give a frozenset of str"),
        ("depends", {"event"}, "has the `depends` .*; give a frozenset of Dependency"),
        ("type", "uint", "'acme.x' has the `type` 'uint', which is no FieldType; give one, such as `FieldType.UINT`"),
        ("argument", None, "has the `argument` None, which is no Argument; give one, such as `Argument.NONE`"),
        ("read", "x", "has the `read` 'x', which cannot be called; give a function"),
        ("name", 7, "its field 7 is no name of a field"),
    ],
)
def test_a_member_of_another_type_is_refused_with_plugin_field_and_remedy(member: str, value: Any, text: str) -> None:
    wrong = msgspec.structs.replace(field(), **{member: value})
    with pytest.raises(PluginError, match=f"plugin 'acme': plugin 0 .*{text}"):
        registry(Brings("acme", wrong))


def test_what_is_no_field_is_refused() -> None:
    with pytest.raises(PluginError, match=r"its `fields` have 'acme.x', which is no Field; give"):
        registry(Brings("acme", "acme.x"))  # type: ignore[arg-type]  # a stranger's
    with pytest.raises(PluginError, match=r"its `fields` must be a tuple of Field, such as .*, not Field"):
        Registry().add("acme", _Declares(FieldsDeclaration(name="acme", summary="F.", fields=field())))  # type: ignore[arg-type]  # a stranger's


class _Declares:
    """A plugin with one declaration."""

    def __init__(self, declaration: Brought) -> None:
        self._declaration = declaration

    @hookimpl
    def mozu_components(self) -> Brought:
        return self._declaration


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (("tick",), r"its `events` have 'tick', which is no DataEventType; give `DataEventType\(name='tick', doc=…\)`"),
        ("tick", "its `events` must be a tuple of DataEventType, not str"),
    ],
)
def test_types_of_events_that_are_none_are_refused(events: Any, text: str) -> None:
    declared = SourceDeclaration[Settings](name="acme", summary="S.", settings=Settings, build=_Declares, events=events)  # type: ignore[arg-type]  # is not built
    with pytest.raises(PluginError, match=f"plugin 'acme': acme .*: {text}"):
        Registry().add("acme", _Declares(declared))


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
