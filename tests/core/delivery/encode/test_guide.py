"""docs/integrate/formats.md agrees with the code."""

import re
import time
from collections.abc import Iterator

import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.core.delivery.encode.known import REQUESTED_FIELDS
from mozu.core.delivery.redact import NAMES
from mozu.core.model.alert import attack
from tests.core.delivery.encode.guide import renewed
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/integrate/formats.md").read_text()


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_examples_options_and_severities_are_current() -> None:
    command = "TZ=UTC python -m tests.core.delivery.encode.guide docs/integrate/formats.md"
    assert renewed(PAGE) == PAGE, f"write it again: {command}"


@pytest.mark.parametrize("kind", ["example", "options"])
def test_every_format_has_its_example_and_options(kind: str) -> None:
    assert list(FORMATS) == re.findall(rf"<!-- {kind} (\w+) -->", PAGE)


def test_the_list_of_formats_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\(#.*?\) \| (.*?) \| `(.*?)` \|$", PAGE, re.MULTILINE)
    assert [(item.name, item.summary, item.content_type) for item in FORMATS.values()] == rows


def test_every_wanted_field_is_in_the_table() -> None:
    assert set() == {name for name in REQUESTED_FIELDS if f"`{name}`" not in PAGE}


def test_every_pattern_of_redaction_is_named() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]*\|$", PAGE.partition("## Redaction")[2], re.MULTILINE)
    assert set(NAMES) == set(rows)


def test_the_default_version_of_attack_is_named() -> None:
    mapping = attack(("TA0005",))
    assert mapping is not None
    assert f"version {mapping.version} of ATT&CK" in PAGE
