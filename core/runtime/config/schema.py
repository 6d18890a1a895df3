"""The JSON Schema of the whole configuration, for editors, made from the models that validate it."""

from collections.abc import Iterable
from typing import Final, TypedDict

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from mozu.core.api import Kind
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config.model import CoreSettings, EntrySettings

_MODE: Final[JsonSchemaMode] = "validation"
_OF_ALL_KINDS: Final = ("id", "isolation", "optional", "start_deadline")
"""Keys of the core that entries of every kind may have."""
_REF: Final = "#/$defs/{model}"


class FormatModel(msgspec.Struct, frozen=True):
    """A format, as far as the schema describes it."""

    name: str
    summary: str
    settings: type[BaseModel]


class PluginModel(msgspec.Struct, frozen=True):
    """A plugin, as far as the schema describes it."""

    kind: Kind
    name: str
    summary: str
    settings: type[BaseModel]


class ModelSchema(TypedDict, total=False):
    """The parts that are read of the schema that pydantic makes of a model."""

    properties: dict[str, JsonObject]
    required: list[str]


def schema(plugins: Iterable[PluginModel], formats: Iterable[FormatModel]) -> JsonObject:
    """A schema (draft 2020-12) of the configuration with these plugins and formats."""
    plugins, formats = tuple(plugins), tuple(formats)
    models: set[type[BaseModel]] = {CoreSettings, EntrySettings, *(plugin.settings for plugin in plugins)}
    models |= {form.settings for form in formats}
    ordered = sorted(models, key=lambda model: (model.__module__, model.__qualname__))
    pairs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, _MODE) for model in ordered]
    references, shared = models_json_schema(pairs, ref_template=_REF)
    definitions: dict[str, ModelSchema] = shared.get("$defs", {})

    def resolved(model: type[BaseModel]) -> ModelSchema:
        reference: str = references[(model, _MODE)]["$ref"].rpartition("/")[2]
        return definitions[reference]

    reserved = resolved(EntrySettings)["properties"]
    reserved["format"] = {
        "description": reserved["format"]["description"],
        "default": reserved["format"]["default"],
        "anyOf": [form for item in formats for form in _form(item, f"#/$defs/{item.settings.__name__}")],
    }
    core = resolved(CoreSettings)
    sections: JsonObject = {
        kind.section: {
            "type": "array",
            "description": f"The {kind.section}, in order.",
            "items": {"anyOf": [_entry(plugin, resolved(plugin.settings), reserved) for plugin in _of(plugins, kind)]},
        }
        for kind in Kind
        if _of(plugins, kind)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of mozu",
        "type": "object",
        "properties": {**sections, **core["properties"]},
        "additionalProperties": False,
        "$defs": shared.get("$defs", {}),
    }


def _form(item: FormatModel, reference: str) -> list[JsonObject]:
    options: JsonObject = {"description": item.summary, "anyOf": [{"$ref": reference}, {"type": "null"}]}
    mapping: JsonObject = {
        "type": "object",
        "properties": {item.name: options},
        "required": [item.name],
        "additionalProperties": False,
    }
    return [{"const": item.name, "description": item.summary}, mapping]


def _of(plugins: tuple[PluginModel, ...], kind: Kind) -> list[PluginModel]:
    return [plugin for plugin in plugins if plugin.kind is kind]


def _entry(plugin: PluginModel, own: ModelSchema, reserved: dict[str, JsonObject]) -> JsonObject:
    of_kind = {Kind.SINK: set(reserved) - {"lookups"}, Kind.ENRICHER: {*_OF_ALL_KINDS, "lookups"}}
    own_keys = of_kind.get(plugin.kind, set(_OF_ALL_KINDS))
    allowed = {key: value for key, value in reserved.items() if key in own_keys}
    required = own.get("required", [])
    settings: JsonObject = {
        "type": "object" if required else ["object", "null"],
        "properties": {**allowed, **own.get("properties", {})},
        "required": required,
        "additionalProperties": False,
    }
    mapping: JsonObject = {
        "type": "object",
        "description": plugin.summary,
        "properties": {plugin.name: settings},
        "required": [plugin.name],
        "additionalProperties": False,
    }
    if required:
        return mapping
    return {"anyOf": [{"const": plugin.name, "description": plugin.summary}, mapping]}
