"""docs/integrate/kafka.md and docs/integrate/siem.md keep their word."""

import json
import re
import subprocess
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from mozu.core.api import DataEvent, Kind
from mozu.core.common.k8s_audit.decoder import AuditEventDecoder
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Stamp
from mozu.core.runtime.configure import configure
from mozu.core.testing import context
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from mozu.plugins.sources.kafka.record import KafkaRecordDecoder
from mozu.plugins.sources.kafka.record_number import RecordNumbers
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings
from mozu.plugins.sources.kafka.source import KafkaSource
from tests.plugins.rules.making import context as rules_context
from tests.plugins.rules.making import event, process
from tests.support.keys import pem
from tests.support.requirements import ROOT

ACCOUNT = ("client_email", "private_key_id", "token_uri")
"""Members of a service account's key, besides the key itself."""
RULE_ON_OPENS = """
- rule: Opened
  desc: Some rule.
  condition: evt.type = openat
  output: "%proc.name opened a file"
  priority: NOTICE
"""

PAGES = {name: (ROOT / f"docs/integrate/{name}.md").read_text() for name in ("kafka", "siem")}
EXAMPLES = [example for page in PAGES.values() for example in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_configuration(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kafka_password", "sentinel_secret"):
        (tmp_path / name).write_text("secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "token").write_text("secret")
    path = tmp_path / "mozu.yaml"
    account = {**dict.fromkeys(ACCOUNT, "x"), "private_key": pem(rsa.generate_private_key(65537, 2048))}
    (tmp_path / "account").write_text(json.dumps(account))
    for file, name in (("splunk.token", "token"), ("secops.json", "account")):
        example = example.replace(f"/etc/mozu/{file}", str(tmp_path / name))
    path.write_text(example)
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


def section(title: str) -> tuple[str, str]:
    """Return the configuration of a section of docs/integrate/kafka.md, and the indented lines: rules."""
    _, _, text = PAGES["kafka"].partition(f"### {title}\n")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    rules = re.search(r"\n\n((?:    .*\n)+)", text)
    return found[1], dedent(rules[1]) if rules else ""


def evaluator_of(configuration: str, folder: Path, rules: str) -> FalcoEvaluator:
    (folder / "rules.yaml").write_text(rules)
    (settings,) = [one["falco"] for one in yaml.safe_load(configuration)["evaluators"]]
    return FalcoEvaluator(FalcoSettings.model_validate({**settings, "rules": [folder / "rules.yaml"]}), rules_context())


def test_the_audit_log_of_kubernetes_is_judged_as_the_page_shows(tmp_path: Path) -> None:
    configuration, rules = section("The audit log of Kubernetes")
    (given,) = [one["kafka"] for one in yaml.safe_load(configuration)["sources"]]
    settings = KafkaSourceSettings.model_validate(given)
    numbers = RecordNumbers(settings.topics)
    audit = AuditEventDecoder(Metrics(), 1 << 20)
    decoder = KafkaRecordDecoder(numbers, event_source=settings.event_source, alerts=settings.alerts, audit=audit)
    line = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a1", "level": "Request",
        "verb": "create", "user": {"username": "eve"}, "requestURI": "/api/v1/namespaces/shop/pods/web-1/exec",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-1", "subresource": "exec"},
    }  # fmt: skip
    record = SimpleNamespace(
        value=json.dumps(line).encode(), timestamp=1_767_225_600_000, topic="k8s.audit", partition=0, offset=7
    )
    (event,) = decoder.decode(record)
    assert isinstance(event, DataEvent)
    (found,) = evaluator_of(configuration, tmp_path, rules).evaluate([event])
    assert ("k8s_audit", "eve ran a command in web-1 (namespace shop)") == (found.source, found.message())


def test_alerts_of_several_clusters_are_told_apart_as_the_page_shows(tmp_path: Path) -> None:
    configuration, _ = section("Several clusters")
    evaluator = evaluator_of(configuration, tmp_path, RULE_ON_OPENS)
    (found,) = evaluator.evaluate([event("openat", process("cat"))])
    document = json.loads(FalcoJson().encode(found, Stamp("west/node-1", "siem", "e", 1)))
    assert "west" == document["output_fields"]["cluster"]
    path = tmp_path / "mozu.yaml"
    path.write_text(configuration)
    config, _ = configure(path)
    assert (config.host or "").startswith("west/")
