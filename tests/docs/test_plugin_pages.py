"""The pages for plugin authors that are made from code are as the code is; the tables of plugins.md are, too."""

import re

from mozu.core.api import VALUE_TYPES, FieldType
from mozu.core.api import document as api_page
from mozu.core.cli.plugin import document as examples_page
from tests.support.requirements import ROOT


def test_the_reference_is_current() -> None:
    assert (ROOT / "docs/api.md").read_text() == api_page.page(), "write it again: make docs"


def test_the_examples_are_what_is_written_for_an_author() -> None:
    assert (ROOT / "docs/plugin-examples.md").read_text() == examples_page.page(), "write it again: make docs"


def test_the_table_of_values_has_every_type_with_its_class() -> None:
    table = (ROOT / "docs/plugins.md").read_text().partition("## Values")[2].partition("\n## ")[0]
    told: dict[str, set[str]] = {}
    for names, kinds in re.findall(r"^\| (`[A-Z`, ]+) \| ([^|]+) \|", table, re.MULTILINE):
        for name in re.findall(r"`([A-Z]+)`", names):
            told[name] = set(re.findall(r"`(\w+)`", kinds.partition(",")[0])) & {"str", "bytes", "int", "bool", "float"}
    assert {kind.name: {one.__name__ for one in VALUE_TYPES[kind]} for kind in FieldType} == told
