"""Values of the fields of containers."""

from typing import Any

import pytest

from mozu.core.errors import UnknownField
from mozu.core.model.containers.fields import container_readers
from mozu.core.model.containers.metadata import ContainerMetadata, Mount
from mozu.core.model.event import File
from tests.plugins.enrichers.actors import event_of

ID = "a" * 64
SANDBOX = "b" * 64
POD = {
    "io.kubernetes.pod.name": "web-0",
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "3e41dc6b-08a8-44db-bc2a-3724b18ab19a",
    "annotation.note": "hidden",
    "app": "web",
    "canary": "",
}
METADATA = ContainerMetadata(
    full_id=ID,
    name="web",
    image="shop/web:3",
    image_id="c" * 64,
    repository="shop/web",
    tag="3",
    digest="sha256:d",
    privileged=True,
    mounts=(
        Mount("/srv/data", "/data", "ro", writable=False, propagation="rprivate"),
        Mount("/etc", "/host/etc", "", writable=True, propagation=""),
    ),
    labels=POD,
    ip="172.17.0.2",
    host_pid=True,
    host_network=False,
    host_ipc=False,
    sandbox_id=SANDBOX,
)
KNOWN = {
    ID: METADATA,
    SANDBOX: ContainerMetadata(full_id=SANDBOX, labels={"tier": "front", "io.kubernetes.x": "y"}, ip="10.0.0.9"),
}


def value(container: str | None, field: str, argument: str | None = None) -> Any:
    return container_readers(KNOWN.get)[field](argument)(event_of(container))


@pytest.mark.parametrize(
    ("field", "argument", "expected"),
    [
        ("container.name", None, "web"),
        ("container.image", None, "shop/web:3"),
        ("container.image.id", None, "c" * 64),
        ("container.image.repository", None, "shop/web"),
        ("container.image.tag", None, "3"),
        ("container.image.digest", None, "sha256:d"),
        ("container.privileged", None, True),
        ("container.ip", None, "172.17.0.2"),
        ("container.host_pid", None, True),
        ("container.host_network", None, False),
        ("container.host_ipc", None, False),
        ("container.mounts", None, "/srv/data:/data:ro:false:rprivate,/etc:/host/etc::true:"),
        ("container.mount", "0", "/srv/data:/data:ro:false:rprivate"),
        ("container.mount", "2", None),
        ("container.mount", "/srv/data", "/srv/data:/data:ro:false:rprivate"),
        ("container.mount", "^/etc$", "/etc:/host/etc::true:"),
        ("container.mount.source", "1", "/etc"),
        ("container.mount.source", "/host/etc", "/etc"),
        ("container.mount.source", "/srv", None),
        ("container.mount.dest", "/srv/*", "/data"),
        ("container.mount.dest", "/host", None),
        ("container.mount.mode", "0", "ro"),
        ("container.mount.rdwr", "0", "false"),
        ("container.mount.rdwr", "1", "true"),
        ("container.mount.propagation", "0", "rprivate"),
        ("container.label", "app", "web"),
        ("container.label", "canary", ""),
        ("container.label", "absent", None),
        ("container.labels", None, "app:web, canary"),
        ("k8s.pod.name", None, "web-0"),
        ("k8s.ns.name", None, "shop"),
        ("k8s.pod.id", None, "3e41dc6b-08a8-44db-bc2a-3724b18ab19a"),
        ("k8s.pod.uid", None, "3e41dc6b-08a8-44db-bc2a-3724b18ab19a"),
        ("k8s.pod.sandbox_id", None, "b" * 12),
        ("k8s.pod.full_sandbox_id", None, SANDBOX),
        ("k8s.pod.label", "tier", "front"),
        ("k8s.pod.label", "absent", None),
        ("k8s.pod.labels", None, "tier:front"),
        ("k8s.pod.ip", None, "10.0.0.9"),
    ],
)
def test_a_field_says_what_is_known_of_the_container(field: str, argument: str | None, expected: Any) -> None:
    assert value(ID, field, argument) == expected


@pytest.mark.parametrize(
    ("field", "argument", "expected"),
    [
        ("container.name", None, "host"),
        ("container.image", None, ""),
        ("container.image.id", None, ""),
        ("container.image.repository", None, ""),
        ("container.image.tag", None, ""),
        ("container.privileged", None, False),
        ("container.mounts", None, ""),
        ("container.mount", "0", None),
        ("container.host_pid", None, False),
        ("container.label", "app", None),
        ("container.labels", None, ""),
        ("k8s.pod.name", None, None),
        ("k8s.pod.sandbox_id", None, ""),
        ("k8s.pod.labels", None, None),
    ],
)
def test_on_the_host_a_field_says_so_or_is_empty(field: str, argument: str | None, expected: Any) -> None:
    assert value(None, field, argument) == expected


@pytest.mark.parametrize("field", sorted(container_readers(KNOWN.get)))
def test_of_an_unknown_container_every_field_is_missing(field: str) -> None:
    assert value("f" * 64, field, "0") is None


@pytest.mark.parametrize("field", sorted(container_readers(KNOWN.get)))
def test_without_a_process_every_field_is_missing(field: str) -> None:
    event = event_of()
    event.process = None
    assert container_readers(KNOWN.get)[field]("0")(event) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/x", "/srv/data/x"),
        ("/data", "/srv/data"),
        ("/database/x", None),
        ("/host/x", "/x"),
        ("/host", "/"),
        ("/host/etc/shadow", "/mnt/etc/shadow"),
        ("/host/etc2/x", "/etc2/x"),
        ("/s", "/etc/shadow"),
        ("/v/x", None),
        ("/etc/shadow", None),
    ],
)
def test_a_file_in_a_mount_has_the_path_of_the_nearest_mount_on_the_host(path: str, expected: str | None) -> None:
    given = (("/srv/data", "/data"), ("/", "/host/"), ("/mnt/etc", "/host/etc"), ("/etc/shadow", "/s"), ("name", "/v"))
    mounts = tuple(Mount(source, dest, "", writable=True, propagation="") for source, dest in given)
    event = event_of(ID)
    event.file = File(kind="file", name="/a/link", realpath=path)
    read = container_readers({ID: ContainerMetadata(full_id=ID, mounts=mounts)}.get)["fd.hostpath"](None)

    assert read(event) == expected
    event.file = File(kind="file", name=path)
    assert read(event) == expected
    event.file = File(kind="unix", name=path)
    assert read(event) is None


def test_a_pattern_that_is_none_is_refused_when_rules_are_loaded() -> None:
    with pytest.raises(UnknownField, match="regular expression"):
        value(ID, "container.mount.dest", "(")


def test_mount_patterns_match_bytes_that_are_no_text() -> None:
    odd = ContainerMetadata(full_id=ID, mounts=(Mount("/srv/\udcff", "/d", "", writable=True, propagation=""),))
    assert container_readers({ID: odd}.get)["container.mount.dest"]("/srv/")(event_of(ID)) == "/d"
