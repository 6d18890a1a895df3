"""podman's storage on disk."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mozu.core.common.unsynced_stat import unsynced_stat
from mozu.plugins.enrichers.containers.podman import files
from mozu.plugins.enrichers.containers.podman.documents import metadata
from mozu.plugins.enrichers.containers.podman.files import AllStorage

ID, OTHER, IMAGE_ID = "a" * 64, "b" * 64, "c" * 64
SPEC = {"annotations": {"io.podman.annotations.privileged": "TRUE"}, "linux": {"namespaces": [{"type": "pid"}]}}


def put(storage: Path, *full_ids: str, name: str = "web", spec: Any = None, driver: str = "overlay") -> None:
    containers, images = storage / f"{driver}-containers", storage / f"{driver}-images"
    images.mkdir(parents=True, exist_ok=True)
    note = {"image-name": "docker.io/library/box:1", "image-id": IMAGE_ID, "name": name, "created-at": 1}
    for full_id in full_ids:
        (containers / full_id / "userdata").mkdir(parents=True)
        if spec is not None:
            (containers / full_id / "userdata" / "config.json").write_text(json.dumps(spec))
    listed = [
        {"id": full_id, "names": [name], "image": IMAGE_ID, "layer": "x", "metadata": json.dumps(note),
         "created": "2026-01-02T03:04:05.123456789Z"}
        for full_id in full_ids
    ]  # fmt: skip
    (containers / "containers.json").write_text(json.dumps(listed))
    image = {"id": IMAGE_ID, "digest": "sha256:" + "d" * 64, "names": ["docker.io/library/box:1"]}
    (images / "images.json").write_text(json.dumps([image]))


def test_a_container_is_described_by_its_storage(tmp_path: Path) -> None:
    put(tmp_path, ID, spec=SPEC)
    found = AllStorage([str(tmp_path)]).find(ID)
    assert found is not None
    known = metadata(found)
    assert ("web", "docker.io/library/box", "1", IMAGE_ID, "sha256:" + "d" * 64, True) == (
        known.name, known.repository, known.tag, known.image_id, known.digest, known.privileged,
    )  # fmt: skip


def test_before_its_start_a_container_has_a_name_and_an_image_and_no_more(tmp_path: Path) -> None:
    put(tmp_path, ID)
    found = AllStorage([str(tmp_path)]).find(ID)
    assert found is not None
    assert ("web", "docker.io/library/box", None, None) == (
        metadata(found).name, metadata(found).repository, metadata(found).privileged, metadata(found).mounts,
    )  # fmt: skip


def test_storage_of_users_is_found_by_a_pattern_and_every_driver_counts(tmp_path: Path) -> None:
    put(tmp_path / "heron" / "storage", ID, driver="vfs")
    put(tmp_path / "ibis" / "storage", OTHER)
    storage = AllStorage([f"{tmp_path}/*/storage"])
    assert None not in (storage.find(ID), storage.find(OTHER))


def test_of_directories_of_other_users_nothing_but_the_owner_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check because the directories may be on file systems that do not answer."""
    asked: list[str] = []

    def scandir(path: Any) -> Any:
        asked.append(str(path))
        return real(path)

    put(tmp_path / "heron" / "storage", ID)
    put(tmp_path / "ibis" / "storage", OTHER)
    status = SimpleNamespace(uid=4242)
    monkeypatch.setattr(files, "unsynced_stat", lambda path: status if "ibis" in path else unsynced_stat(path))
    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    storage = AllStorage([f"{tmp_path}/*/*"])
    assert storage.find(ID, os.geteuid()) is not None
    assert [] == [path for path in asked if "ibis" in path]
    assert any("heron" in path for path in asked)


def test_a_user_cannot_rename_a_container_of_root(tmp_path: Path) -> None:
    put(tmp_path / "root", ID, name="honest")
    put(tmp_path / "home" / "ibis", ID, name="other")
    found = AllStorage([str(tmp_path / "root"), f"{tmp_path}/home/*"]).find(ID)
    assert found is not None
    assert "honest" == metadata(found).name


def test_a_new_list_is_read_again(tmp_path: Path) -> None:
    storage = AllStorage([str(tmp_path)])
    put(tmp_path, ID)
    before = storage.find(OTHER)
    put(tmp_path, OTHER)
    assert (None, True) == (before, storage.find(OTHER) is not None)


def test_what_is_half_written_or_no_id_is_absent(tmp_path: Path) -> None:
    put(tmp_path, ID)
    (tmp_path / "overlay-containers" / "containers.json").write_text('[{"id":')
    storage = AllStorage([str(tmp_path)])
    assert [None] * 3 == [storage.find(text) for text in (ID, "../x", "")]


def test_metadata_that_are_none_of_podmans_leave_the_name(tmp_path: Path) -> None:
    put(tmp_path, ID)
    listed = [{"id": ID, "names": ["web"], "image": IMAGE_ID, "metadata": "no JSON"}]
    (tmp_path / "overlay-containers" / "containers.json").write_text(json.dumps(listed))
    found = AllStorage([str(tmp_path)]).find(ID)
    assert found is not None
    assert ("web", None) == (metadata(found).name, metadata(found).image)


def test_a_container_of_cri_o_has_the_names_of_its_pod(tmp_path: Path) -> None:
    """Follow CRI-O's documentation; no CRI-O runs here."""
    spec = {"annotations": {"io.kubernetes.cri-o.Labels": '{"app":"web"}'}}
    put(tmp_path, ID, name="k8s_server_web-0_shop_uid_0", spec=spec)
    listed = json.loads((tmp_path / "overlay-containers" / "containers.json").read_text())
    note = {
        "pod-name": "k8s_web-0_shop_u-1_0", "pod-id": OTHER, "image-name": "docker.io/library/box:1",
        "metadata-name": "server", "uid": "u-1", "namespace": "shop", "name": "k8s_server_web-0_shop_uid_0",
    }  # fmt: skip
    listed[0]["metadata"] = json.dumps(note)
    (tmp_path / "overlay-containers" / "containers.json").write_text(json.dumps(listed))
    found = AllStorage([str(tmp_path)]).find(ID)
    assert found is not None
    known = metadata(found)
    assert ("cri-o", "server", OTHER) == (known.runtime, known.name, known.sandbox_id)
    assert "docker.io/library/box" == known.repository
    assert known.labels is not None
    reported = [known.labels[name] for name in ("io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "app")]
    assert ["web-0", "shop", "web"] == reported
