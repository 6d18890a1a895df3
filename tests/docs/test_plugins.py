"""docs/plugins/writing.md names what `mozu.core.api` exports, and its example is a plugin that loads."""

import asyncio
import queue
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import mozu.core.api
import mozu.testing
from mozu.core.api import (
    ConfigError,
    Context,
    Counts,
    DataEvent,
    Demand,
    Event,
    Kind,
    Ref,
    Sink,
    SinkDeclaration,
    Template,
)
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.registry import Registry
from mozu.core.testing import context
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/plugins/writing.md").read_text()


def promised(module: str) -> set[str]:
    """Return the names in backticks of the paragraph and list that begin with a module."""
    text = PAGE.partition("## What is promised")[2].partition(f"`{module}`")[2]
    end = min((found for found in (text.find("\n`mozu"), text.find("\n\nBeside")) if found >= 0), default=len(text))
    return set(re.findall(r"`(\w+)`", text[:end]))


def test_the_page_lists_what_the_api_exports() -> None:
    assert promised("mozu.core.api") - {"API_VERSION"} == set(mozu.core.api.__all__) - {"API_VERSION"}
    assert promised("mozu.testing") == set(mozu.testing.__all__)


def test_every_promised_name_is_there() -> None:
    assert [name for name in mozu.core.api.__all__ if not hasattr(mozu.core.api, name)] == []


def test_the_plugin_of_the_page_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, project = re.findall(r"```(?:python|toml)\n# \S+\n(.*?)```", PAGE, re.DOTALL)[:2]
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mozu_beep.py").write_text(code)
    info = tmp_path / "mozu_beep-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-beep\nVersion: 1.0\n")
    point = re.search(r'^beep = "(\w+)"$', project, re.MULTILINE)
    assert point is not None
    (info / "entry_points.txt").write_text(f"[mozu]\nbeep = {point[1]}\n")
    registry = Registry()
    try:
        entry = Entry(kind=Kind.SINK, name="beep", id="beep", settings={}, node=node_of({}, Mark("test")))
        ((declaration, _),) = registry.declarations(SinkDeclaration, [entry])
        made: Context = context("beep")
        assert isinstance(registry.build(declaration, entry, made), Sink)
        assert registry.warnings == []
    finally:
        sys.modules.pop("mozu_beep", None)


class Letters:
    """A blocking source that emits what it is sent."""

    sent: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __init__(self) -> None:
        self._stopped, self._count = threading.Event(), Counts()

    def start(self, demand: Demand) -> None:
        pass

    def batches(self) -> Iterator[Sequence[Event]]:
        while not self._stopped.is_set():
            try:
                text = self.sent.get(timeout=0.02)
            except queue.Empty:
                continue
            number = self._count.seen + 1
            self._count = Counts(seen=number, received=number)
            yield [DataEvent("letters", "letter", 10**18 + number, data=text)]

    def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> dict[str, Counts]:
        return {"letter": self._count}

    def stop(self) -> None:
        self._stopped.set()


def test_a_source_that_listens_passes_while_it_is_fed_as_the_page_feeds_it() -> None:
    code = re.search(r"```python\n# feeding.py\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    page: dict[str, Any] = {}
    exec(code[1], page)
    with page["fed"](lambda: Letters.sent.put("dear")):
        assert len(asyncio.run(mozu.testing.check_source(Letters, most=2, blocking=True))) == 2


def test_the_evaluator_of_the_page_reads_the_field_that_it_is_reported() -> None:
    code = re.search(r"```python\n# mozu_newcomer.py\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    page: dict[str, Any] = {}
    exec(code[1], page)
    plugin = [page["mozu_components"]()]
    events = [mozu.testing.event("execve", process=mozu.testing.process(tid)) for tid in (100, 200, 100)]
    done = mozu.testing.run_mozu({"evaluators": [{"newcomer": {"field": "proc.pid"}}]}, events, declarations=plugin)
    assert [alert.message() for alert in done.alerts] == ["A newcomer: 100", "A newcomer: 200"]
    with pytest.raises(ConfigError, match=r"newcomer: the setting field: proc.pit: nonexistent field"):
        mozu.testing.run_mozu({"evaluators": [{"newcomer": {"field": "proc.pit"}}]}, events, declarations=plugin)


def test_a_value_is_printed_by_a_template_of_its_one_reference() -> None:
    values: dict[str, Any] = {"name": "x", "fd.sip": bytes((192, 0, 2, 1))}
    alert = mozu.testing.alert(**values)
    assert "{ref.key: Template((ref,)).render(alert.values) for ref in alert.template.refs()}" in PAGE
    assert {ref.key: Template((ref,)).render(alert.values) for ref in alert.template.refs()}["name"] == "x"
    assert 'Template((Ref("fd.sip", "ipaddr"),)).render(alert.values)' in PAGE
    assert Template((Ref("fd.sip", "ipaddr"),)).render(alert.values) == "192.0.2.1"


SETTINGS: Mapping[str, Mapping[str, object]] = {
    "beep": {"path": "/dev/null"},
    "gong": {"host": "127.0.0.1", "port": 1},
}
"""Settings with which a plugin of the pages works here; nothing listens on the port."""


PLUGINS = re.findall(r"```python\n(# mozu_\w+\.py\n[^`]*?def mozu_components.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("code", PLUGINS)
def test_every_plugin_of_the_page_passes_the_kit(code: str) -> None:
    page: dict[str, Any] = {}
    exec(code, page)
    declaration = page["mozu_components"]()
    events = [mozu.testing.event("execve", process=mozu.testing.process(tid)) for tid in (100, 200)]
    settings = SETTINGS.get(declaration.name)
    asyncio.run(mozu.testing.check_declaration(declaration, settings=settings, events=events))


def test_the_page_has_plugins_and_no_other_page_has_one() -> None:
    assert PAGE.count("def mozu_components") == 3
    pages = [path for path in ROOT.glob("docs/**/*.md") if "def mozu_components" in path.read_text()]
    assert set(pages) == {ROOT / "docs/plugins/writing.md", ROOT / "docs/plugins/examples.md"}
