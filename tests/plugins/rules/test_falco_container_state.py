from pathlib import Path

from mozu.core.api import Alert
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from tests.plugins.rules.making import CONTAINER, context, executed, process

RULE = '- rule: R\n  desc: d\n  output: "hi {}"\n  priority: INFO\n  condition: evt.type = execve\n'


def alerts(folder: Path, *, state: str | None, output: str = "") -> list[Alert]:
    """Return the alerts of a process in a container and of one on the host; an enricher reports `state` for every
    container.
    """
    (folder / "rules.yaml").write_text(RULE.format(output))
    given = context()
    given.fields.provide("container.state", lambda _: lambda event: event.process.container and state)
    evaluator = FalcoEvaluator(FalcoSettings(rules=(folder / "rules.yaml",)), given)
    inside = process("ls", container=CONTAINER)
    return [*evaluator.evaluate([executed(inside), executed(process("ls")), executed(inside)])]


def test_each_alert_of_a_container_says_whether_it_was_known(tmp_path: Path) -> None:
    first, host, second = alerts(tmp_path, state="late")
    assert {"container.state": "late"} == first.values == second.values
    assert ["container.state"] == [ref.key for ref in first.template.refs()]
    assert first.template is second.template, "one form in a spool"
    assert ({}, ()) == (host.values, host.template.refs())


def test_an_output_that_has_it_shows_it_once(tmp_path: Path) -> None:
    first, _, _ = alerts(tmp_path, state="known", output="%container.state")
    assert ("hi known", ()) == (first.message(), first.template.extra)


def test_without_an_enricher_of_containers_nothing_is_added(tmp_path: Path) -> None:
    assert [{}, {}, {}] == [alert.values for alert in alerts(tmp_path, state=None)]
