"""Alerts of Falco's rules, raised live, as ECS and OCSF in topics: each record is validated by the official schemas.

What arrived is read by Kafka's own console consumer.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.delivery.encode import official_ecs, test_ocsf
from tests.plugins.sinks.test_kafka_schemas import CURRENT, validator
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import Message, consume, create
from tests.support.requirements import corpus, ebpf
from tests.support.running import Running, mozu_run
from tests.support.stage import Stage, own_network
from tests.support.triggers.host import STABLE

ALERTS = 10_000 if os.environ.get("MOZU_CHAOS") == "full" else 100
FORMATS = ("ecs", "ocsf")

pytestmark = [pytest.mark.ebpf, pytest.mark.corpus, pytest.mark.timeout(1800 if ALERTS > 1000 else 240)]

CONFIG = """
enrichers: [users]
evaluators: [falco: {{rules: [{rules}], rule_matching: all, append_output: [{{suggested_output: true}}]}}]
sinks:
  - stdout: {{format: json}}
  - kafka: {{id: ecs, bootstrap_servers: {servers}, topic: ecs, format: ecs}}
  - kafka: {{id: ocsf, bootstrap_servers: {servers}, topic: ocsf, format: ocsf}}
"""

Json = dict[str, Any]


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as made:
        for topic in FORMATS:
            create(made, topic)
        yield made


def raised(mozu: Running, stage: Stage) -> None:
    """Run every trigger once, then repeat the scripts among them until there are enough alerts; not those that need the
    network."""
    for trigger in STABLE:
        stage.act(trigger)
    scripts = [trigger for trigger in STABLE if isinstance(trigger.act, str) and "$NET" not in trigger.act]
    while len(mozu.alerts) < ALERTS:
        for trigger in scripts:
            stage.act(trigger._replace(act=f"for n in 1 2 3 4 5 6 7 8 9 10; do {trigger.act}; done"))


def complete(messages: list[Message]) -> list[Json]:
    """Return the documents; no number may be missing."""
    numbers = sorted(int(message.headers["mozu-sequence"]) for message in messages)
    assert list(range(1, len(messages) + 1)) == numbers
    return [json.loads(message.value) for message in messages]


def test_alerts_of_live_rules_are_what_the_official_schemas_say(
    kafka: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    config = folder / "mozu.yaml"
    config.write_text(CONFIG.format(rules=corpus("falco-rules", "falco_rules.yaml"), servers=kafka.servers))
    with own_network() as network, mozu_run(folder, "-c", str(config)) as mozu:
        raised(mozu, Stage(tmp_path_factory.mktemp("stage"), network))
        sinks = mozu.stop()["sinks"]
    found = {name: complete(consume(kafka, name, count=sinks[name]["delivered"])) for name in FORMATS}
    count = len(mozu.alerts) + len(mozu.lifecycle)
    assert dict.fromkeys(FORMATS, count) == {name: len(found[name]) for name in FORMATS}
    assert len(mozu.alerts) >= ALERTS
    rules = {alert["rule"] for alert in mozu.alerts}
    print(len(mozu.alerts), "alerts of", len(rules), "rules")
    assert {trigger.rule for trigger in STABLE} <= rules

    assert [] == [fault for document in found["ecs"] for fault in official_ecs.faults(document)]
    assert [] == [fault for document in found["ocsf"] for fault in test_ocsf.faults(document)]
    for name in FORMATS:
        judge = validator(CURRENT, name)
        assert [] == [error.message for document in found[name] for error in judge.iter_errors(document)]
