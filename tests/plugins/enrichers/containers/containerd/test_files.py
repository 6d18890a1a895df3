"""Bundles below a state directory of containerd, and their data on pods."""

import json
from pathlib import Path
from typing import Any

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.containerd.describe import FoundContainer, describe
from mozu.plugins.enrichers.containers.containerd.files import StateFiles
from mozu.plugins.enrichers.containers.oci_spec import OciSpec, decode_spec

POD = {
    "io.kubernetes.cri.sandbox-id": "s" * 64,
    "io.kubernetes.cri.sandbox-name": "web-0",
    "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": "11111111-2222-3333-4444-555555555555",
}
CONTAINER = POD | {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "server",
    "io.kubernetes.cri.image-name": "registry.example:5000/team/box:1.2",
}


def spec_of(annotations: dict[str, str], *namespaces: dict[str, str]) -> OciSpec:
    return decode_spec(json.dumps({"annotations": annotations, "linux": {"namespaces": namespaces}}).encode())


def described(full_id: str, spec: OciSpec, sandbox: OciSpec | None = None) -> ContainerMetadata:
    pod = None if sandbox is None else FoundContainer("s" * 64, sandbox, 7)
    return describe(FoundContainer(full_id, spec, 7), pod)


def put(state: Path, namespace: str, name: str, spec: dict[str, Any] | str) -> None:
    bundle = state / "io.containerd.runtime.v2.task" / namespace / name
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text(spec if isinstance(spec, str) else json.dumps(spec))


def test_a_container_of_a_pod_has_its_names_and_its_image_from_one_file() -> None:
    found = described("c" * 64, spec_of(CONTAINER))
    assert ("server", "registry.example:5000/team/box", "1.2", "s" * 64) == (
        found.name, found.repository, found.tag, found.sandbox_id,
    )  # fmt: skip
    assert {
        "io.kubernetes.pod.name": "web-0",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.pod.uid": POD["io.kubernetes.cri.sandbox-uid"],
        "io.kubernetes.container.name": "server",
    } == found.labels


def test_the_sandbox_itself_has_the_name_of_its_pod() -> None:
    spec = spec_of(POD | {"io.kubernetes.cri.container-type": "sandbox"})
    assert "web-0" == described("s" * 64, spec).name
    assert "s" * 64 == described("s" * 64, spec).sandbox_id


def test_a_container_that_joins_its_pods_network_shares_what_the_pod_shares() -> None:
    joins = spec_of(CONTAINER, {"type": "network", "path": "/proc/7/ns/net"}, {"type": "pid"}, {"type": "ipc"})
    own, hosts = spec_of(POD, {"type": "network"}), spec_of(POD)
    assert [False, True] == [described("c", joins, sandbox).host_network for sandbox in (own, hosts)]


def test_a_bundle_is_found_in_any_namespace_but_dockers(tmp_path: Path) -> None:
    put(tmp_path, "production", "web1", {})
    put(tmp_path, "moby", "d" * 64, {})
    files = StateFiles(tmp_path)
    found = files.bundle("web1")
    assert found is not None
    assert ("production", None, ["production"]) == (found.namespace, files.bundle("d" * 64), files.folders())


def test_a_name_in_two_namespaces_is_neither(tmp_path: Path) -> None:
    put(tmp_path, "one", "web1", {})
    put(tmp_path, "two", "web1", {})
    assert StateFiles(tmp_path).bundle("web1") is None


def test_what_is_half_written_or_leads_elsewhere_is_absent(tmp_path: Path) -> None:
    put(tmp_path, "default", "half", '{"linux": {')
    files = StateFiles(tmp_path)
    assert [None] * 4 == [files.bundle(name) for name in ("half", "none", "../default/half", "")]
