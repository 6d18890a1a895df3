"""The examples of docs/integrate/sinks.md load, and together use every sink that the page is about."""

import re
from pathlib import Path

import pytest

from mozu.core.api import Context, Sink, SinkDeclaration
from mozu.core.runtime.configure import configure
from mozu.core.testing import context
from mozu.plugins.sinks.journald import MESSAGE_ID
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/integrate/sinks.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_loads_and_its_sinks_can_be_built(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mozu_key", "mozu_s3_id", "mozu_s3_secret"):
        (tmp_path / name).write_text("passphrase\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = tmp_path / "mozu.yaml"
    path.write_text(example)
    config, registry = configure(path)
    made: Context = context()
    for declaration, entry in registry.declarations(SinkDeclaration, config.sinks):
        assert isinstance(registry.build(declaration, entry, made), Sink)


def test_every_sink_of_the_page_has_an_example() -> None:
    headings = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    used = set(re.findall(r"^  - (\w+)", "".join(EXAMPLES), re.MULTILINE))
    assert headings == used == {"stdout", "file", "syslog", "journald", "program", "smtp", "s3"}


def test_the_message_id_is_the_one_in_force() -> None:
    assert MESSAGE_ID in PAGE
