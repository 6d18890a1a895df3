"""The JSON Schemas of formats, plugins' ones included."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from mozu.core.api.extensions import FormatDeclaration
from mozu.core.delivery.encode.falco_json import FORMAT
from mozu.core.errors import PluginError
from mozu.core.runtime.config import Entry
from mozu.core.runtime.format_schema import format_schema
from mozu.core.runtime.registry import Registry


class Formats(Registry):
    """A registry in which every sink has one format."""

    def __init__(self, schema: Callable[[Any], Any] | None) -> None:
        super().__init__()
        self._schema = schema

    def format(self, entry: Entry) -> FormatDeclaration:
        return FormatDeclaration(
            name="brought", summary="-", content_type="text/plain", build=FORMAT.build, schema=self._schema
        )

    def format_options(self, entry: Entry) -> None:
        return None


def found(schema: Callable[[Any], Any] | None) -> str:
    return format_schema(Formats(schema), cast("Entry", None))


def test_a_format_without_a_schema_has_an_empty_one() -> None:
    assert "" == found(None)


def test_a_plugins_format_can_bring_a_schema() -> None:
    assert '{"type": "object"}' == found(lambda options: '{"type": "object"}')


def test_a_plugins_schema_that_fails_is_the_plugins_error() -> None:
    with pytest.raises(PluginError, match="`schema` of the format failed: ZeroDivisionError"):
        found(lambda options: 1 // 0)
    with pytest.raises(PluginError, match="`schema` of the format returned dict, not a text"):
        found(lambda options: {})
