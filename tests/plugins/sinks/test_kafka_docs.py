"""docs/kafka.md and docs/siem.md keep their word."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from mozu.core.api import Kind
from mozu.core.metrics import Metrics
from mozu.core.runtime.configure import configure
from mozu.core.testing import context
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings
from mozu.plugins.sources.kafka.source import KafkaSource
from tests.support.requirements import ROOT

PAGES = {name: (ROOT / f"docs/{name}.md").read_text() for name in ("kafka", "siem")}
EXAMPLES = [example for page in PAGES.values() for example in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_configuration(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kafka_password", "sentinel_secret"):
        (tmp_path / name).write_text("secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "token").write_text("secret")
    path = tmp_path / "mozu.yaml"
    path.write_text(example.replace("/etc/mozu/splunk.token", str(tmp_path / "token")))
    config, registry = configure(path)
    assert all(registry.settings(entry) for entry in config.entries() if entry.kind is not Kind.EVALUATOR)


def test_the_page_names_every_number() -> None:
    made, scope = Metrics(), context()
    scope.metrics = made
    KafkaSink(KafkaSettings(), scope)
    KafkaSource(KafkaSourceSettings(topics=("t",)), scope)
    names = {name for name, _, _ in made.collect() if name.startswith("kafka_")}
    reported = set(re.findall(r"`(kafka_\w+)`", PAGES["kafka"]))
    assert reported == names - {"kafka_client_log_lines_total"}


@pytest.mark.parametrize(("numbers", "reported"), [([1, 2, 3], ""), ([1, 2, 2, 5], "missing h s e 3 to 4\n")])
def test_the_query_over_headers_finds_what_is_missing(numbers: list[int], reported: str, tmp_path: Path) -> None:
    lines = [
        f"content-type:application/json,mozu-id:x,mozu-agent:h,mozu-sink:s,mozu-epoch:e,mozu-sequence:{number}\n"
        for number in numbers
    ]
    (tmp_path / "headers.txt").write_text("".join(lines))
    query = re.search(r"```sh\n(tr ',' .*?)```", PAGES["siem"], re.DOTALL)
    assert query is not None
    found = subprocess.run(["sh", "-c", query[1]], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert reported == found.stdout


def test_the_pages_name_the_fields_that_hold_the_number() -> None:
    example = json.loads((ROOT / "schemas/v1/ecs.examples.jsonl").read_text().splitlines()[0])
    assert example["agent"]["name"]
    assert example["labels"]["mozu_sink"]
    assert example["agent"]["ephemeral_id"]
    assert example["event"]["sequence"]
    for name in ("agent.name", "labels.mozu_sink", "agent.ephemeral_id", "event.sequence"):
        assert name in PAGES["siem"]
