"""The schemas of topics: mozu's records today, its earlier records, and the members that consumers may rely on."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.plugins.sinks.kafka.message import SCHEMA_VERSION
from tests.core.delivery.encode import official_ecs
from tests.core.delivery.encode.made import STAMP, connecting, hostile, plain, reading
from tests.support.requirements import ROOT

Json = dict[str, Any]

HOME = ROOT / "schemas"
CURRENT = HOME / f"v{SCHEMA_VERSION.decode()}"
NAMES = ("json", "cloudevents", "ecs", "ocsf")
TEXTS = ("falco", "compact", "cef")
"""Formats other than JSON."""

by_format = pytest.mark.parametrize("name", NAMES)


def test_every_format_has_a_schema_or_is_text() -> None:
    assert {*NAMES, *TEXTS} == FORMATS.keys()
    assert {*NAMES} == {path.name.removesuffix(".schema.json") for path in CURRENT.glob("*.schema.json")}


def validator(folder: Path, name: str) -> jsonschema_rs.Validator:
    schemas = [json.loads(path.read_text()) for path in folder.glob("*.schema.json")]
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in schemas])
    return jsonschema_rs.validator_for(json.loads((folder / f"{name}.schema.json").read_text()), registry=registry)


def written(name: str) -> Iterator[Json]:
    """Yield the records that this mozu writes in a format."""
    encoder = FORMATS[name].build(FORMATS[name].settings())
    for alert in (plain(), connecting(), reading()):
        yield json.loads(encoder.encode(alert, STAMP))
    for alert, stamp in hostile():
        if stamp is not None:
            yield json.loads(encoder.encode(alert, stamp))


def examples(folder: Path, name: str) -> list[Json]:
    return [json.loads(line) for line in (folder / f"{name}.examples.jsonl").read_text().splitlines()]


def required(schema: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the members that a schema requires."""
    for name in schema.get("required", ()):
        yield (*path, name)
    for name, inner in schema.get("properties", {}).items():
        if name in schema.get("required", ()):
            yield from required(inner, (*path, name))


def without(document: Json, path: tuple[str, ...]) -> Json:
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


@by_format
def test_what_mozu_writes_is_what_the_schema_says_property(name: str) -> None:
    judge = validator(CURRENT, name)
    assert [] == [error.message for document in written(name) for error in judge.iter_errors(document)]


@pytest.mark.parametrize("folder", sorted(HOME.glob("v*")), ids=lambda folder: folder.name)
@by_format
def test_records_of_every_version_stay_valid(folder: Path, name: str) -> None:
    judge = validator(folder, name)
    assert [] == [error.message for document in examples(folder, name) for error in judge.iter_errors(document)]


@by_format
def test_what_a_record_must_have_is_missed(name: str) -> None:
    judge, example = validator(CURRENT, name), examples(CURRENT, name)[0]
    paths = list(required(json.loads((CURRENT / f"{name}.schema.json").read_text())))
    assert len(paths) > 5
    assert [] == [path for path in paths if judge.is_valid(without(example, path))]


PROMISED = {
    "json": {"uuid", "time", "rule", "priority", "source", "hostname", "output", "output_fields", "mozu"},
    "cloudevents": {"id", "source", "specversion", "type", "time", "datacontenttype", "data", "priority", "sequence",
                    "mozuagent", "mozusink", "mozuepoch"},
    "ecs": {"@timestamp", "agent", "ecs", "event", "host", "labels", "log", "message", "rule"},
    "ocsf": {"class_uid", "category_uid", "activity_id", "type_uid", "time", "severity_id", "metadata", "finding_info",
             "device", "message"},
}  # fmt: skip
"""Members that consumers of version 1 may rely on, by format."""


@by_format
def test_version_1_requires_what_it_has_promised(name: str) -> None:
    schema = json.loads((HOME / f"v1/{name}.schema.json").read_text())
    assert PROMISED[name] <= set(schema["required"])


def template_fields(properties: Json, path: str = "") -> Iterator[tuple[str, str]]:
    for name, mapping in properties.items():
        if "properties" in mapping:
            yield from template_fields(mapping["properties"], f"{path}{name}.")
        else:
            yield f"{path}{name}", mapping["type"]


def index_template() -> dict[str, str]:
    template = json.loads((HOME / "elasticsearch/index-template.json").read_text())
    return dict(template_fields(template["template"]["mappings"]["properties"]))


@pytest.mark.live
def test_the_index_template_has_the_official_types() -> None:
    official = {name: field["type"] for name, field in official_ecs.fields().items()}
    assert {name: official.get(name) for name in index_template()} == index_template()


@pytest.mark.live
def test_the_index_template_has_a_place_for_every_field_that_mozu_writes() -> None:
    mapped, kept = index_template(), set[str]()
    for document in written("ecs"):
        kept.update(name for name, _ in official_ecs._flat(document))
    assert set() == kept - mapped.keys()
