from typing import Any

from pydantic import Field

from mozu.core.api import Kind, Settings
from mozu.core.runtime.config.model import CoreSettings, EntrySettings
from mozu.core.runtime.config.schema import FormatModel, PluginModel, schema


class Needy(Settings):
    topic: str = Field(description="Where to.")


class Options(Settings):
    loud: bool = Field(False, description="Whether to shout.")


MADE: Any = schema(
    [
        PluginModel(Kind.SOURCE, "plain", "Plain.", Settings),
        PluginModel(Kind.SINK, "needy", "Needy.", Needy),
    ],
    [FormatModel("plaintext", "Plain text.", Options)],
)


def entries(section: str) -> list[Any]:
    found: list[Any] = MADE["properties"][section]["items"]["anyOf"]
    return found


def test_only_known_keys_stand_at_the_top() -> None:
    assert MADE["additionalProperties"] is False
    assert set(MADE["properties"]) == {"sources", "sinks", *CoreSettings.model_fields}


def test_a_plugin_without_required_settings_may_be_a_bare_name() -> None:
    (plain,) = entries("sources")
    assert plain["anyOf"][0]["const"] == "plain"


def test_a_plugin_with_required_settings_is_always_a_mapping() -> None:
    (needy,) = entries("sinks")
    settings = needy["properties"]["needy"]
    assert (settings["type"], settings["required"]) == ("object", ["topic"])


def test_sinks_take_all_of_the_cores_keys_and_sources_those_of_every_kind() -> None:
    source = entries("sources")[0]["anyOf"][1]["properties"]["plain"]["properties"]
    sink = entries("sinks")[0]["properties"]["needy"]["properties"]
    of_sinks = {*EntrySettings.model_fields, "topic"} - {"lookups"}
    assert (set(source), set(sink)) == ({"id", "isolation", "optional", "start_deadline"}, of_sinks)


def test_every_reference_leads_to_a_definition() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if "$ref" in value else set()
            return own.union(*(references(item) for item in value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    names = {reference.removeprefix("#/$defs/") for reference in references(MADE)}
    assert names <= set(MADE["$defs"])
    assert "QueueSettings" in names


def test_a_format_is_a_name_or_a_mapping_from_it_to_its_options() -> None:
    (needy,) = entries("sinks")
    name, mapping = needy["properties"]["needy"]["properties"]["format"]["anyOf"]
    reference = mapping["properties"]["plaintext"]["anyOf"][0]["$ref"].removeprefix("#/$defs/")
    assert ("plaintext", {"loud"}) == (name["const"], set(MADE["$defs"][reference]["properties"]))
