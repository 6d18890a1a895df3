"""Redaction runs before all encoding and storing, unless the configuration disables it."""

from pathlib import Path
from typing import Any

import pytest

from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.delivery.redact import Redactor
from mozu.core.errors import ConfigError
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.runtime.configure import configure
from mozu.core.runtime.engine.assembly import assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import Assembly
from mozu.core.testing import alert
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator

RULE = "- rule: R\n  desc: d\n  output: hi\n  priority: INFO\n  condition: evt.type = execve\n"


class Taken:
    """A stand-in for a sink worker."""

    name = "taken"

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def accept(self, item: PackedAlert) -> None:
        self.alerts.append(unpack(item))


def assembled(folder: Path, text: str) -> Assembly:
    (folder / "rules.yaml").write_text(RULE)
    evaluators = f"evaluators: [{{falco: {{rules: [{folder}/rules.yaml]}}}}]"
    (folder / "mozu.yaml").write_text(f"enrichers: []\n{evaluators}\n{text}")
    config, registry = configure(folder / "mozu.yaml")
    return assemble(config, registry, Metrics(), BackgroundTasks())


def test_an_alert_is_redacted_before_any_sink_worker_takes_it() -> None:
    metrics, taken = Metrics(), Taken()
    workers: list[Any] = [taken]
    pipeline = AlertPipeline(
        workers, hostname="host", redact=Redactor(metrics), limiter=AlertLimiter(), metrics=metrics
    )
    pipeline.emit(alert("R", "ran", cmdline="app --password=Hunter2xyz"))
    assert ["ran cmdline=app --password=[redacted]"] == [item.message() for item in taken.alerts]


def test_redaction_is_on_unless_switched_off(tmp_path: Path) -> None:
    on, off = assembled(tmp_path, ""), assembled(tmp_path, "redact: {enabled: false}\n")
    assert (True, True) == (on.redact is not None, off.redact is None)


def test_an_expression_that_cannot_be_used_is_reported_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mozu.yaml:3:20: configuration: redact.patterns expression 2 \(\(\)"):
        assembled(tmp_path, "redact: {patterns: [a, '(']}\n")


def requested_fields(made: Assembly) -> tuple[str, ...]:
    evaluator = made.evaluators[0].component
    assert isinstance(evaluator, FalcoEvaluator)
    return evaluator.context.requested_fields


def test_evaluators_know_which_fields_the_formats_of_all_sinks_show(tmp_path: Path) -> None:
    ecs = requested_fields(assembled(tmp_path, "sinks: [{stdout: {format: ecs}}]\n"))
    plain = requested_fields(assembled(tmp_path, "sinks: [stdout]\n"))
    assert (True, ()) == ("proc.exepath" in ecs, plain)
