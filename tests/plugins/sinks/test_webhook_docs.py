"""The examples of docs/integrate/webhook.md: each loads, and its sink delivers to a real server."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mozu.core.api import Kind
from mozu.core.runtime.configure import configure
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from mozu.plugins.sinks.webhook.template_values import NAMES
from tests.support.https import Answers, serving, unpacked
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/integrate/webhook.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PID: dict[str, Any] = {"proc.pid": 42}
SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the secrets and variables that the examples expect; return their directory."""
    for name in ("alertmanager.password", "webhook.secret", "webhook.secret.new", "pagerduty.key", "elastic.key"):
        (tmp_path / name).write_text(SECRET)
    (tmp_path / "splunk_token").write_text("t0ken")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("SIEM_URL", "CHAT_URL", "SLACK_URL"):
        monkeypatch.setenv(name, "https://siem.example/hook")
    monkeypatch.setenv("FALCO_TOKEN", "t0ken")
    return tmp_path


def _entries(example: str, etc: Path) -> list[tuple[str, Any]]:
    """Return (kind, settings) of each entry of mozu's, from the configuration as mozu reads it."""
    path = etc / "mozu.yaml"
    path.write_text(example.replace("/etc/mozu", str(etc)))
    config, _ = configure(path)
    ours = ("webhook", "falco_http")
    return [(kind, entry.settings) for kind in Kind for entry in config.of(kind) if entry.name in ours]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_loads_and_says_something_of_ours(example: str, etc: Path) -> None:
    assert _entries(example, etc)


async def _without_errors(request: web.Request) -> web.Response:
    """Answer like an index that accepted every item; other receivers' answers are not read."""
    return web.Response(text='{"errors": false}')


async def _deliver(settings: dict[str, Any]) -> Any:
    """Return the body that a real server got."""
    async with serving(Answers([_without_errors])) as answers:
        given = {**settings, "url": answers.url, "allow_private": True, "tls": {}}
        sink = build(WebhookSettings.model_validate(given), context(content_type="application/json"))
        await sink.start()
        made = alert("A rule", **PID)
        outcomes = await sink.deliver(records(made))
        await sink.stop()
        assert [None] == outcomes
        lines = unpacked(answers.requests[0]).splitlines()
        return json.loads(lines[0]) if len(lines) == 1 else [json.loads(line) for line in lines]


@pytest.mark.parametrize("example", [text for text in EXAMPLES if "- webhook:" in text])
def test_the_sink_of_an_example_delivers(example: str, etc: Path) -> None:
    (settings,) = (settings for kind, settings in _entries(example, etc) if kind is Kind.SINK)
    assert "A rule" in json.dumps(run_loop(_deliver(settings)))


def test_a_body_of_ones_own_holds_what_the_page_says(etc: Path) -> None:
    (example,) = (text for text in EXAMPLES if "body:" in text)
    ((_, settings),) = _entries(example, etc)
    document = run_loop(_deliver(settings))
    shown = [document[key] for key in ("title", "severity", "pid", "container")]
    assert ["A rule on host", 5, 42, "none"] == shown


def test_every_reference_of_the_page_is_known_and_every_known_one_is_on_the_page() -> None:
    table = PAGE.partition("| reference | value |")[2].partition("\n\n")[0]
    shown = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])}
    assert set(NAMES) == shown
