"""Answers of CRI: containerd's as recorded, CRI-O's by its documentation."""

import json
from typing import Any

from mozu.core.common.protobuf import decode, flag_field, message_field, text_field
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.cri.answers import read_container, read_image, read_sandbox
from mozu.plugins.enrichers.containers.cri.describe import describe_container, describe_sandbox

ID, SANDBOX, IMAGE_ID = "c" * 64, "s" * 64, "e" * 64
SPEC = {"linux": {"namespaces": [{"type": "pid"}]}, "mounts": []}


def entry(number: int, **texts: str) -> bytes:
    return b"".join(message_field(number, text_field(1, key) + text_field(2, value)) for key, value in texts.items())


def container(info: dict[str, Any]) -> ContainerMetadata:
    status = (
        text_field(1, ID)
        + message_field(2, text_field(1, "server"))
        + message_field(8, text_field(1, "registry.example:5000/team/box:1.2"))
        + text_field(9, f"sha256:{IMAGE_ID}")
        + entry(12, tier="front")
        + message_field(14, text_field(1, "/mnt") + text_field(2, "/srv") + flag_field(3, value=True))
    )
    found = read_container(decode(message_field(1, status) + entry(2, info=json.dumps(info))))
    image = read_image(decode(message_field(1, text_field(1, f"sha256:{IMAGE_ID}"))))
    return describe_container(found, image, read_sandbox(decode(pod({}))))


def pod(info: dict[str, Any], *, network: bytes = b"") -> bytes:
    metadata = text_field(1, "web-0") + text_field(2, "u-1") + text_field(3, "shop")
    options = message_field(6, message_field(1, message_field(2, network)))
    status = (
        text_field(1, SANDBOX)
        + message_field(2, metadata)
        + message_field(5, text_field(1, "10.4.0.7"))
        + options
        + entry(7, app="web")
        + entry(8, team="perch")
    )
    return message_field(1, status) + entry(2, info=json.dumps(info))


def test_containerd_tells_in_its_info_what_the_protocol_does_not() -> None:
    config = {"linux": {"security_context": {"privileged": True}}}
    found = container({"sandboxID": SANDBOX, "config": config, "runtimeSpec": SPEC})
    assert (SANDBOX, True, IMAGE_ID, "10.4.0.7") == (found.sandbox_id, found.privileged, found.image_id, found.ip)
    assert ("registry.example:5000/team/box", "1.2", "server") == (found.repository, found.tag, found.name)
    assert found.labels is not None
    assert ("web-0", "front") == (found.labels["io.kubernetes.pod.name"], found.labels["tier"])


def test_cri_o_says_itself_what_is_privileged_and_keeps_notes_in_the_specification() -> None:
    notes = {"io.kubernetes.cri-o.ImageName": "docker.io/library/other:2"}
    found = container({"sandboxID": SANDBOX, "privileged": False, "runtimeSpec": {**SPEC, "annotations": notes}})
    assert (False, "docker.io/library/other", "2") == (found.privileged, found.repository, found.tag)


def test_a_runtime_without_info_is_read_by_the_protocol_alone() -> None:
    found = container({})
    assert found.mounts is not None
    assert ("", None, ["/srv"]) == (found.sandbox_id, found.privileged, [mount.source for mount in found.mounts])


def test_info_that_is_something_else_counts_as_none() -> None:
    assert container({"config": "text"}).privileged is None


def test_a_sandbox_has_the_pods_names_labels_annotations_and_network() -> None:
    cni: dict[str, Any] = {"Interfaces": {"eth0": {}}}
    found = describe_sandbox(read_sandbox(decode(pod({"image": "registry.k8s.io/pause:3.6", "cniResult": cni}))))
    assert found.labels is not None
    assert ("web-0", "shop", "u-1", "web", "perch") == tuple(
        found.labels[name]
        for name in (
            "io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "io.kubernetes.pod.uid", "app", "annotation.team",
        )
    )  # fmt: skip
    assert (SANDBOX, "10.4.0.7", cni) == (found.sandbox_id, found.ip, json.loads(found.cni_json or ""))
    assert "registry.k8s.io/pause" == found.repository


def test_the_hosts_network_is_reported_by_the_namespace_options() -> None:
    plain, hosts = (describe_sandbox(read_sandbox(decode(pod({}, network=one)))) for one in (b"", b"\x08\x02"))
    assert [False, True] == [plain.host_network, hosts.host_network]
