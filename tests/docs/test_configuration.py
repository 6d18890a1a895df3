"""Statements of docs/operate/configuration.md and docs/operate/cli.md, compared with the code."""

import re

import yaml

from mozu.core.cli.document import BEGIN, END, renewed
from mozu.core.cli.group import COMMANDS
from mozu.core.runtime.builtin_plugins import BUILTIN_COMMANDS
from mozu.core.runtime.config.default import DEFAULT
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/operate/configuration.md").read_text()


def test_the_generated_settings_are_current() -> None:
    assert BEGIN in PAGE
    assert END in PAGE
    assert renewed(PAGE) == PAGE, "write it again: python -m mozu.core.cli.document docs/operate/configuration.md"


def test_the_default_configuration_is_reported_as_it_is() -> None:
    reported = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    assert {**reported, "responders": []} == yaml.safe_load(DEFAULT)


def test_every_command_is_reported_with_the_sentence_of_its_help() -> None:
    rows = re.findall(r"^\| `mozu (\w+).*?` \| (.*) \|$", (ROOT / "docs/operate/cli.md").read_text(), re.MULTILINE)
    assert dict(rows) == {name: sentence for name, (_, sentence) in COMMANDS.items()} | dict(BUILTIN_COMMANDS)
