"""Documents on the format of recordings, compared with recordings that are made."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mozu.core.recording.lines import KINDS
from mozu.core.recording.schema import schema
from mozu.core.runtime.config import load
from tests.core.recording.making import live
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/operate/recordings.md").read_text()
SCHEMA = json.loads((ROOT / "schemas/recording/v1.schema.json").read_text())


def ordered(node: Any) -> Any:
    """Return the same schema with its alternatives in a fixed order; msgspec's versions write them in different
    ones."""
    if isinstance(node, list):
        return [ordered(item) for item in node]
    if not isinstance(node, dict):
        return node
    same = {key: ordered(value) for key, value in node.items()}
    return {**same, "anyOf": sorted(same["anyOf"], key=json.dumps)} if "anyOf" in same else same


def test_the_schema_is_current() -> None:
    assert ordered(json.loads(json.dumps(schema()))) == ordered(SCHEMA), "write it again: make docs"


def test_every_line_of_a_recording_has_the_schema_and_a_line_of_the_page() -> None:
    validator = jsonschema_rs.validator_for(SCHEMA)
    for line in live(often=True).splitlines():
        document = json.loads(line)
        validator.validate(json.loads(line.replace(b"\\ud", b"\\u0d")))
        assert isinstance(document, list) or f"`{document['line']}`" in PAGE


@pytest.mark.parametrize("line", ['["close"]', '{"line": "nothing"}', '{"line": "user", "uid": 3}', "3"])
def test_the_schema_refuses_what_is_no_line(line: str) -> None:
    assert not jsonschema_rs.validator_for(SCHEMA).is_valid(json.loads(line))


def test_every_letter_of_a_form_is_explained() -> None:
    explained = set(re.findall(r"`([a-z])` \w", " ".join(PAGE.split())))
    assert set(KINDS) <= explained


def test_the_examples_are_configurations(tmp_path: Path) -> None:
    for number, example in enumerate(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(example)
        core = load(path).core
        assert core.record.file is not None or core.capture.enabled
