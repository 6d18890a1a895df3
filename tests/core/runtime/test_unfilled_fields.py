"""Rules that read fields which no enricher fills are reported."""

from collections.abc import Sequence

import pytest

from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.config import Config, read
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unfilled_fields import unfilled_fields


class Rules:
    """An evaluator whose rules read these fields."""

    def __init__(self, **rules: tuple[str, ...]) -> None:
        self._rules = rules

    def rules_reading(self, field: str) -> Sequence[str]:
        return [name for name, fields in self._rules.items() if field in fields]


def sentences(enrichers: str, rules: object, source: str = "syscalls", *more: str) -> list[str]:
    config, problems = read(None, (f"enrichers={enrichers}", f"sources=[{source}]", *more))
    assert isinstance(config, Config)
    assert not problems
    lookups = Lookups()
    return list(unfilled_fields(config, Registry(), FieldRegistry(builtin_fields(lookups), lookups), [rules]))


def test_a_rule_about_images_needs_an_enricher_of_containers() -> None:
    (sentence,) = sentences("[users]", Rules(Shell=("container.image.repository", "user.name")))
    assert sentence == (
        "no enricher that is enabled fills container.image.repository, which a rule reads (Shell): "
        "add containers to `enrichers`"
    )


@pytest.mark.parametrize("enricher", ["containers", "docker", "containerd", "cri", "podman"])
def test_any_runtime_will_do(enricher: str) -> None:
    assert [] == sentences(f"[users, {enricher}]", Rules(Shell=("container.image.repository", "user.name")))


def test_of_many_rules_a_few_are_named() -> None:
    (sentence,) = sentences("[docker]", Rules(a=("user.name",), b=("user.name",), c=("user.name",), d=("user.name",)))
    assert "which rules read (a, b, c and 1 more): add users to `enrichers`" in sentence


def test_a_rule_about_workloads_needs_the_enricher_kubernetes() -> None:
    rules = Rules(Pods=("k8smeta.pod.name",))
    (sentence,) = sentences("[users, docker]", rules)
    assert sentence.endswith("(Pods): add kubernetes (docs/operate/kubernetes.md) to `enrichers`")
    assert [] == sentences("[users, docker, kubernetes]", rules)


def test_what_needs_no_enricher_is_filled_without() -> None:
    assert [] == sentences("[]", Rules(Any=("proc.name", "container.id", "container.type")))


def test_recordings_answer_for_themselves() -> None:
    assert [] == sentences("[]", Rules(Shell=("container.image",)), "{replay: {path: x.mozu}}")


def test_names_of_hosts_need_look_ups() -> None:
    rules = Rules(Pool=("fd.sip.name", "fd.name"))
    assert [] == sentences("[]", rules)
    (sentence,) = sentences("[]", rules, "syscalls", "resolve.enabled=false")
    assert sentence == (
        "`resolve.enabled: false` leaves empty fd.sip.name, which a rule reads (Pool): set `resolve.enabled: true`"
    )
