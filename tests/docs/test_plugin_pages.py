"""The pages for plugin authors that are made from code are as the code is; the tables of plugins.md are, too."""

import re

import mozu.testing
from mozu.core.api import VALUE_TYPES, FieldType
from mozu.core.api import document as api_page
from mozu.core.cli.plugin import document as examples_page
from tests.support.requirements import ROOT


def test_the_reference_is_current() -> None:
    assert (ROOT / "docs/api.md").read_text() == api_page.page(), "write it again: make docs"


def test_the_reference_has_the_kit_and_what_is_returned_without_being_exported() -> None:
    page = api_page.page()
    names = {"Counter", "Resolved", *mozu.testing.__all__}
    assert names - set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == set()
    fixtures = page.partition("# Fixtures of pytest")[2]
    reported = re.findall(r"^\* `(\w+)`", fixtures, re.MULTILINE)
    assert reported == [
        "run_mozu",
        "recording_sink",
        "endpoint",
        "virtual_clock",
    ]


def test_the_examples_are_what_is_written_for_an_author() -> None:
    assert (ROOT / "docs/plugin-examples.md").read_text() == examples_page.page(), "write it again: make docs"


def test_the_table_of_values_has_every_type_with_its_class() -> None:
    table = (ROOT / "docs/plugins.md").read_text().partition("## Values")[2].partition("\n## ")[0]
    reported: dict[str, set[str]] = {}
    for names, kinds in re.findall(r"^\| (`[A-Z`, ]+) \| ([^|]+) \|", table, re.MULTILINE):
        for name in re.findall(r"`([A-Z]+)`", names):
            kind = set(re.findall(r"`(\w+)`", kinds.partition(",")[0]))
            reported[name] = kind & {"str", "bytes", "int", "bool", "float"}
    assert {kind.name: {one.__name__ for one in VALUE_TYPES[kind]} for kind in FieldType} == reported
