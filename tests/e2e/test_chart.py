"""The chart, installed by helm into a real API server. There is no kubelet: no pod runs."""

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.kube_apiserver import HELM, KubeApiserver, kube_apiserver
from tests.support.requirements import ROOT
from tests.support.split import needs_live

NAMESPACE = "mozu-chart"


@pytest.fixture(scope="module")
@needs_live
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApiserver]:
    """Yield an API server with the chart's namespace."""
    with kube_apiserver(tmp_path_factory.mktemp("server")) as started:
        if not HELM.exists():
            pytest.skip("helm is not built; `python -m tests.support.kube_apiserver` does that in minutes")
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        started.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
        yield started


def helm(server: KubeApiserver, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm with the chart, against the server."""
    home = {name: str(server.folder / "helm") for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
    command = [str(HELM), *arguments, "mozu", str(ROOT / "charts/mozu"), "--namespace", NAMESPACE]
    command += ["--kubeconfig", str(server.kubeconfig()), "--set", "image.repository=registry.example/mozu"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **home})


def secret(server: KubeApiserver) -> dict[str, str]:
    """Return the data of the listener's Secret."""
    return dict(server.call("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/mozu-http")["data"])


def daemon_set(server: KubeApiserver) -> dict[str, Any]:
    """Return the DaemonSet as the server keeps it."""
    return dict(server.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/mozu"))


def test_it_is_installed_and_an_upgrade_keeps_its_certificate_and_token(server: KubeApiserver) -> None:
    installed = helm(server, "install")
    assert installed.returncode == 0, installed.stderr
    before = secret(server)
    context = daemon_set(server)["spec"]["template"]["spec"]["containers"][0]["securityContext"]

    upgraded = helm(server, "upgrade", "--set-json", 'config={"sinks":[{"stdout":{"format":"text"}}]}')
    assert upgraded.returncode == 0, upgraded.stderr
    settings = server.call("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/mozu-config")["data"]

    assert set(context["capabilities"]["add"]) == {"BPF", "PERFMON", "DAC_READ_SEARCH", "SYS_PTRACE"}
    assert len(base64.b64decode(before["token"])) == 40
    assert secret(server) == before
    assert yaml.safe_load(settings["20-values.yaml"]) == {"sinks": [{"stdout": {"format": "text"}}]}


@pytest.mark.parametrize(("level", "accepted"), [("privileged", True), ("baseline", False)])
def test_its_pod_is_accepted_where_the_page_says(server: KubeApiserver, level: str, accepted: bool) -> None:
    namespace = f"level-{level}"
    labels = {"pod-security.kubernetes.io/enforce": level}
    server.create("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
    rendered = yaml.safe_load_all((ROOT / "charts/manifests/mozu.yaml").read_text())
    [template] = [one["spec"]["template"] for one in rendered if one["kind"] == "DaemonSet"]
    pod = {"metadata": {"name": "mozu", **template["metadata"]}, "spec": {**template["spec"]}}
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
    if accepted:
        assert server.create(path, pod)["metadata"]["name"] == "mozu"
    else:
        with pytest.raises(AssertionError, match="violates PodSecurity"):
            server.create(path, pod)


def test_every_object_of_the_manifest_is_accepted(server: KubeApiserver, tmp_path: Path) -> None:
    core, groups = "/api/v1", "/apis"
    server.create("/api/v1/namespaces", {"metadata": {"name": "plain"}})
    for one in yaml.safe_load_all((ROOT / "charts/manifests/mozu.yaml").read_text()):
        group = core if one["apiVersion"] == "v1" else f"{groups}/{one['apiVersion']}"
        kind = one["kind"].lower().removesuffix("y") + ("ies" if one["kind"].endswith("y") else "s")
        place = "" if one["kind"].startswith("ClusterRole") else "/namespaces/plain"
        made = server.create(f"{group}{place}/{kind}?dryRun=All&fieldValidation=Strict", one)
        assert made["metadata"]["name"] == one["metadata"]["name"]


def test_wrong_values_are_refused_by_name(server: KubeApiserver) -> None:
    refused = helm(server, "template", "--set", "metricz.enabled=true")

    assert refused.returncode != 0
    assert "metricz" in refused.stderr
