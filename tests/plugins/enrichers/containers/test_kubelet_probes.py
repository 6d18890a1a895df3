import json
from typing import Any

import pytest

from mozu.plugins.enrichers.containers.kubelet_probes import APPLIED, KubeletProbes, probes_of


def applied(**container: Any) -> dict[str, str]:
    return {APPLIED: json.dumps({"kind": "Pod", "spec": {"containers": [{"name": "server", **container}]}})}


def test_commands_of_probes_are_in_the_manifest_that_was_applied() -> None:
    probe = {"exec": {"command": ["probe", "--now"]}, "periodSeconds": 5}
    assert KubeletProbes(("probe", "--now"), ()) == probes_of(applied(livenessProbe=probe), "server")


def test_a_probe_over_the_network_runs_no_command() -> None:
    assert KubeletProbes((), ()) == probes_of(applied(readinessProbe={"httpGet": {"port": 80}}), "server")


@pytest.mark.parametrize("annotations", [{}, {APPLIED: "no JSON"}, {APPLIED: "{}"}, applied()], ids=range(4))
def test_without_such_a_manifest_nothing_is_known(annotations: dict[str, str]) -> None:
    assert KubeletProbes() == probes_of(annotations, "another")
