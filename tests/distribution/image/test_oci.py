"""OCI layouts: what the specification asks of them, and equal bytes for equal trees."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from distribution.image import oci

CREATED = "2026-01-02T03:04:05Z"


def tree(folder: Path, *, backwards: bool = False) -> Path:
    """Make a directory with a file, a second name of it, a symbolic link and an empty directory."""
    names = [("usr/bin/one", b"one"), ("usr/bin/two", b"two" * 1000)]
    for name, content in reversed(names) if backwards else names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
    os.link(folder / "usr/bin/two", folder / "usr/bin/zwei")
    (folder / "bin").symlink_to("usr/bin")
    (folder / "etc").mkdir()
    return folder


def layout(file: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the index of a layout, and its blobs by digest."""
    with tarfile.open(file) as archive:
        found = {entry.name: archive.extractfile(entry).read() for entry in archive.getmembers()}  # type: ignore[union-attr]  # all are files
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    blobs = {f"sha256:{name.rpartition('/')[2]}": content for name, content in found.items() if "/" in name}
    return json.loads(found["index.json"]), blobs


def test_every_descriptor_has_the_digest_and_the_size_of_its_blob(tmp_path: Path) -> None:
    layers = [oci.layer(tree(tmp_path / "tree"), 1_700_000_000, "a tree")]
    written = oci.write(tmp_path / "image.tar", layers, {"Cmd": ["run"]}, "arm64", CREATED, "mozu:1.2.0")
    index, blobs = layout(tmp_path / "image.tar")
    [described] = index["manifests"]
    manifest = json.loads(blobs[described["digest"]])

    assert described["digest"] == written
    assert described["platform"] == {"architecture": "arm64", "os": "linux"}
    assert described["annotations"]["org.opencontainers.image.ref.name"] == "mozu:1.2.0"
    for one in [described, manifest["config"], *manifest["layers"]]:
        content = blobs.pop(one["digest"])
        assert one["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert one["size"] == len(content)
    assert blobs == {}


def test_the_configuration_has_the_digests_of_the_unpacked_layers(tmp_path: Path) -> None:
    layers = [oci.layer(tree(tmp_path / name), 1_700_000_000, name) for name in ("one", "two")]
    oci.write(tmp_path / "image.tar", layers, {"Cmd": ["run"]}, "amd64", CREATED, "mozu:1")
    index, blobs = layout(tmp_path / "image.tar")
    manifest = json.loads(blobs[index["manifests"][0]["digest"]])
    image = json.loads(blobs[manifest["config"]["digest"]])

    unpacked = [gzip.decompress(blobs[one["digest"]]) for one in manifest["layers"]]
    assert image["rootfs"]["diff_ids"] == [oci.digest(content) for content in unpacked]
    assert (image["architecture"], image["os"], image["created"]) == ("amd64", "linux", CREATED)
    assert image["config"] == {"Cmd": ["run"]}
    assert [one["created_by"] for one in image["history"]] == ["one", "two"]


def test_a_layer_has_roots_files_with_one_time_and_their_modes(tmp_path: Path) -> None:
    packed = oci.layer(tree(tmp_path), 1_700_000_000, "")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed.packed))) as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
        contents = {name: archive.extractfile(name).read() for name in ("usr/bin/two", "usr/bin/zwei")}  # type: ignore[union-attr]  # both are files

    assert list(entries) == ["bin", "etc", "usr", "usr/bin", "usr/bin/one", "usr/bin/two", "usr/bin/zwei"]
    assert {(entry.uid, entry.gid, entry.uname, entry.mtime) for entry in entries.values()} == {
        (0, 0, "", 1_700_000_000)
    }
    assert (entries["bin"].linkname, entries["usr/bin/one"].mode & 0o777) == ("usr/bin", 0o755)
    assert contents["usr/bin/two"] == contents["usr/bin/zwei"] == b"two" * 1000


def test_equal_trees_are_equal_byte_for_byte_whoever_made_them_when(tmp_path: Path) -> None:
    first, second = tree(tmp_path / "one"), tree(tmp_path / "two", backwards=True)
    os.utime(second / "usr/bin/one", (1, 1))

    assert oci.layer(first, 1_700_000_000, "") == oci.layer(second, 1_700_000_000, "")


@pytest.mark.parametrize("change", ["content", "mode", "link"])
def test_a_tree_that_differs_has_another_digest(tmp_path: Path, change: str) -> None:
    before = oci.layer(tree(tmp_path), 1_700_000_000, "")
    if change == "content":
        (tmp_path / "usr/bin/one").write_bytes(b"eno")
    elif change == "mode":
        (tmp_path / "usr/bin/one").chmod(0o700)
    else:
        (tmp_path / "bin").unlink()
        (tmp_path / "bin").symlink_to("usr/sbin")

    assert oci.layer(tmp_path, 1_700_000_000, "").diff_id != before.diff_id
