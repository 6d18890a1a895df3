"""containerd's database, read from its file."""

import struct
from pathlib import Path

import pytest

from mozu.core.common.protobuf import message_field, text_field
from mozu.plugins.enrichers.containers.containerd.database import StoredContainers
from tests.plugins.enrichers.containers.bolt_file import Bucket, write_bolt

IMAGE = "registry.example:5000/team/box:1.2"
MANIFEST, INDEX, CONFIG = (f"sha256:{digit * 64}" for digit in "abc")


def moment(seconds: int) -> bytes:
    """Return the bytes of Go's time.MarshalBinary."""
    return struct.pack(">BqiH", 1, seconds + 62135596800, 5, 0xFFFF)


def labelled(**labels: str) -> Bucket:
    return {"labels": {key: value.encode() for key, value in labels.items()}}


def content() -> Bucket:
    return {
        MANIFEST: {"labels": {"containerd.io/gc.ref.content.config": CONFIG.encode()}},
        INDEX: {
            "labels": {
                "containerd.io/gc.ref.content.m.0": MANIFEST.encode(),
                "containerd.io/gc.ref.content.m.1": b"sha256:of another platform, never pulled",
            }
        },
    }


def namespace(target: str = MANIFEST, *, tagged: int = 100, **more: bytes | Bucket) -> Bucket:
    container: Bucket = {"image": IMAGE.encode(), "createdat": moment(200), **labelled(app="web"), **more}
    return {
        "containers": {"web1": container},
        "images": {IMAGE: {"updatedat": moment(tagged), "target": {"digest": target.encode()}}},
        "content": {"blob": content()},
    }


def put(root: Path, **namespaces: Bucket) -> StoredContainers:
    place = root / "io.containerd.metadata.v1.bolt"
    place.mkdir(exist_ok=True)
    write_bolt(place / "meta.db", {"v1": {**namespaces}})
    return StoredContainers(root)


@pytest.mark.parametrize("target", [MANIFEST, INDEX], ids=["manifest", "index"])
def test_image_labels_digest_and_id_are_reported(tmp_path: Path, target: str) -> None:
    ((name, found),) = put(tmp_path, default=namespace(target)).find("web1")
    assert ("default", IMAGE, {"app": "web"}, 200_000_000_005) == (name, found.image, found.labels, found.created)
    assert (target, CONFIG.removeprefix("sha256:")) == (found.digest, found.image_id)


def test_a_name_that_was_written_after_the_container_was_made_stands_for_another_image(tmp_path: Path) -> None:
    ((_, found),) = put(tmp_path, default=namespace(tagged=201)).find("web1")
    assert (IMAGE, None, None) == (found.image, found.digest, found.image_id)


def test_every_namespace_but_dockers_counts_and_one_can_be_asked_alone(tmp_path: Path) -> None:
    stored = put(tmp_path, default=namespace(), moby=namespace(), shop=namespace())
    assert ["default", "shop"] == [name for name, _ in stored.find("web1")]
    assert ["shop"] == [name for name, _ in stored.find("web1", "shop")]
    assert [] == stored.find("web2")


def test_a_pods_sandbox_has_its_address_and_its_annotations(tmp_path: Path) -> None:
    text = (
        '{"Version":"v1","Metadata":{"ID":"s","IP":"10.4.0.7","CNIResult":{"Interfaces":{}},'
        '"Config":{"metadata":{"name":"web-0"},"annotations":{"team":"perch"}}}}'
    )
    extension = text_field(1, "type") + message_field(2, text.encode())
    more: Bucket = {"io.cri-containerd.sandbox.metadata": extension}
    ((_, found),) = put(tmp_path, default=namespace(extensions=more)).find("web1")
    assert found.sandbox is not None
    assert ("10.4.0.7", '{"Interfaces":{}}') == (found.sandbox.cni().ip, found.sandbox.cni().json)
    assert {"team": "perch"} == found.sandbox.annotations()


def test_what_is_not_there_raises_oserror_and_is_not_readable(tmp_path: Path) -> None:
    assert not StoredContainers(tmp_path).is_readable()
    with pytest.raises(FileNotFoundError):
        StoredContainers(tmp_path).find("web1")
