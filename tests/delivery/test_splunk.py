"""The configuration for Splunk in docs/integrate/siem.md, run as written against a collector that is as strict."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.site import Site
from tests.support.hec import Collector, collecting
from tests.support.requirements import ROOT
from tests.support.starvation import mozu_command

ALERTS = 700
PAGE = (ROOT / "docs/integrate/siem.md").read_text()

pytestmark = pytest.mark.timeout(120)


def configuration(collector: Collector, folder: Path) -> str:
    """Return the page's example, with the test's own collector, token and folder, and a source of numbered alerts."""
    example = re.search(r"## Splunk.*?```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    text = example[1]
    for place, here in (
        ("https://splunk.example:8088/services/collector/event", f"{collector.url}\n      allow_private: true"),
        ("/etc/mozu/splunk.token", str(folder / "token")),
        ("spool: true", f"spool: {{path: {folder / 'splunk.db'}}}"),
    ):
        assert place in text
        text = text.replace(place, here)
    return f"plugins: [far_end]\nsources: [numbers: {{total: {ALERTS}}}]\nenrichers: []\nevaluators: []\n{text}"


async def delivered(folder: Path, token: str) -> Collector:
    site = Site(folder)
    (folder / "token").write_text(token)
    async with collecting("right") as collector:
        config = folder / "splunk.yaml"
        config.write_text(configuration(collector, folder))
        process = await asyncio.create_subprocess_exec(
            *mozu_command("run", "-c", str(config)), env=site._env, stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, log = await process.communicate()
        assert 0 == process.returncode, log.decode()
        return collector


def incomplete(events: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the groups that the page's search finds incomplete: stats dc, min and max of the number by agent, sink and
    epoch."""
    assert "stats dc(sequence) AS seen min(sequence) AS first max(sequence) AS last BY agent sink epoch\n" in PAGE
    found: dict[tuple[str, ...], set[int]] = {}
    for event in events:
        found.setdefault((event["agent"], event["sink"], event["epoch"]), set()).add(event["sequence"])
    return [key for key, seen in found.items() if len(seen) < max(seen) - min(seen) + 1]


def test_every_alert_arrives_in_an_envelope_that_the_collector_takes(tmp_path: Path) -> None:
    collector = asyncio.run(delivered(tmp_path, "right"))
    assert [] == collector.refused
    events = [envelope["event"] for envelope in collector.envelopes]
    assert ALERTS <= len({event["uuid"] for event in events})
    assert {("mozu", "mozu:alert")} == {(item["source"], item["sourcetype"]) for item in collector.envelopes}
    assert all({"rule", "priority", "output", "output_fields", "tags"} <= event.keys() for event in events)
    assert [] == incomplete(events)
    assert 1 == len(incomplete([event for event in events if event["sequence"] != 3]))


def test_a_wrong_token_keeps_the_alerts_in_the_spool(tmp_path: Path) -> None:
    collector = asyncio.run(delivered(tmp_path, "wrong"))
    assert ([], {"Invalid token"}) == (collector.envelopes, {answer["text"] for answer in collector.refused})
