"""The template `alertmanager` against a real Alertmanager."""

from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Severity
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from tests.support.alertmanager import alertmanager, alerts

HOSTILE = '"}], <!channel> ${uuid} {{ .Labels }} \u2028ö' + "x" * 2000


@pytest.mark.live
def test_every_severity_arrives_and_an_alert_that_is_sent_twice_is_there_once(tmp_path: Path) -> None:
    made = []
    for severity in Severity:
        made.append(alert(f"{severity.name} {HOSTILE}", **{"proc.name": HOSTILE}))
        made[-1].priority = severity

    async def deliver(url: str) -> list[Any]:
        settings = {"url": f"{url}/api/v2/alerts", "template": "alertmanager", "allow_private": True}
        sink = build(WebhookSettings.model_validate(settings), context())
        await sink.start()
        outcomes = [*await sink.deliver(records(*made)), *await sink.deliver(records(*made))]
        await sink.stop()
        return outcomes

    with alertmanager(tmp_path) as url:
        assert [None] * 16 == run_loop(deliver(url))
        found = {one["labels"]["rule"]: one["labels"]["severity"] for one in alerts(url)}
        assert 8 == len(alerts(url))

    words = ("critical",) * 3 + ("warning",) * 2 + ("information",) * 3
    assert {one.rule: words[one.priority] for one in made} == found
