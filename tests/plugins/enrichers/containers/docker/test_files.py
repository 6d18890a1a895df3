"""The engine's files, whole, broken and hostile."""

import json
from pathlib import Path

import pytest

from mozu.core.model.containers.image import ImageNames
from mozu.plugins.enrichers.containers.docker.documents import EngineEvent, HostConfig, Inspected, nanoseconds
from mozu.plugins.enrichers.containers.docker.files import EngineFiles

ID = "a" * 64
IMAGE = "c" * 64


def written(root: Path, **changes: object) -> EngineFiles:
    """Write a data root with one container and one image; return its files."""
    place = root / "containers" / ID
    place.mkdir(parents=True)
    config = {
        "ID": ID,
        "Name": "/web",
        "Created": "2026-11-25T03:00:09.605039042Z",
        "Image": f"sha256:{IMAGE}",
        "Driver": "overlay2",
        "State": {"StartedAt": "0001-01-01T00:00:00Z"},
        "Config": {"Image": "shop/web:3", "Labels": None},
        "MountPoints": {
            "/z": {"Source": "/srv/z", "Destination": "/z", "RW": True, "Relabel": "z", "Propagation": ""},
            "/a": {"Source": "/srv/a", "Destination": "/a", "RW": False, "Relabel": "ro", "Propagation": "rslave"},
        },
        "NetworkSettings": {"Networks": {"none": None, "net": {"IPAddress": "172.18.0.5"}}},
    }
    (place / "config.v2.json").write_text(json.dumps(config | changes))
    (place / "hostconfig.json").write_text(json.dumps({"Privileged": True, "PidMode": "host", "NetworkMode": "net"}))
    images = root / "image" / "overlay2"
    images.mkdir(parents=True)
    names = {"shop/web:3": f"sha256:{IMAGE}", "shop/web@sha256:d": f"sha256:{IMAGE}"}
    (images / "repositories.json").write_text(json.dumps({"Repositories": {"shop/web": names}}))
    return EngineFiles(root)


def test_the_files_describe_a_container(tmp_path: Path) -> None:
    files = written(tmp_path)
    found = files.container(ID)
    assert found is not None
    metadata = found.metadata(files.image_names(found.driver, found.image_id) or ImageNames())
    assert (
        ("web", "shop/web", "3", "sha256:d", True, True, False, "172.18.0.5", 1795575609605039042, 0)
        == (metadata.name, metadata.repository, metadata.tag, metadata.digest, metadata.privileged,
            metadata.host_pid, metadata.host_network, metadata.ip, metadata.created, metadata.started)
    )  # fmt: skip


def test_mounts_stand_in_the_order_of_their_destinations(tmp_path: Path) -> None:
    found = written(tmp_path).container(ID)
    assert found is not None
    assert ["/srv/a:/a:ro:false:rslave", "/srv/z:/z:z:true:"] == [mount.text for mount in found.mounts]


@pytest.mark.parametrize("full_id", ["b" * 64, "../../etc", "a" * 63, "A" * 64, f"{ID}/..", ""])
def test_what_is_not_there_or_no_id_is_not_found(tmp_path: Path, full_id: str) -> None:
    assert written(tmp_path).container(full_id) is None


@pytest.mark.parametrize("driver", ["", "..", "a/b", "/", "."])
def test_what_is_no_driver_leads_to_no_file(tmp_path: Path, driver: str) -> None:
    assert written(tmp_path).image_names(driver, IMAGE) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ID": 3}', '{"Name": "/web"}', '{"ID": "x", "Config": []}'])
def test_a_half_written_file_counts_as_absent(tmp_path: Path, content: str) -> None:
    files = written(tmp_path)
    (tmp_path / "containers" / ID / "config.v2.json").write_text(content)
    assert files.container(ID) is None


def test_a_link_in_the_place_of_a_file_counts_as_absent(tmp_path: Path) -> None:
    files = written(tmp_path)
    place = tmp_path / "containers" / ID / "config.v2.json"
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert files.container(ID) is None


def test_names_of_images_follow_their_file(tmp_path: Path) -> None:
    files = written(tmp_path)
    before = files.image_names("overlay2", IMAGE)
    fresh = tmp_path / "fresh"
    fresh.write_text(json.dumps({"Repositories": {"new/name": {"new/name:4": f"sha256:{IMAGE}"}}}))
    fresh.rename(tmp_path / "image" / "overlay2" / "repositories.json")
    assert (ImageNames(("shop/web:3",), ("shop/web@sha256:d",)), ImageNames(("new/name:4",))) == (
        before,
        files.image_names("overlay2", IMAGE),
    )


@pytest.mark.parametrize(
    ("mode", "expected"), [(f"container:{ID}", ID), ("host", ""), ("none", ""), ("", ""), ("net:container", "")]
)
def test_a_network_that_is_joined_names_the_container_it_is_of(mode: str, expected: str) -> None:
    assert Inspected("x", host_config=HostConfig(network_mode=mode)).described().joined == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-25T03:00:09.605039042Z", 1795575609605039042),
        ("2026-11-25T03:00:09.6Z", 1795575609600000000),
        ("2026-11-25T03:00:09Z", 1795575609000000000),
        ("0001-01-01T00:00:00Z", 0),
        ("", 0),
        ("yesterday", 0),
        ("2026-11-25T03:00:09.xZ", 0),
    ],
)
def test_times_are_nanoseconds_since_the_epoch(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected


def test_an_event_alone_names_its_container_and_leaves_open_what_it_does_not_tell() -> None:
    event = EngineEvent("create")
    event.actor.id = ID
    event.actor.attributes = {"name": "web", "image": "host:5000/shop/web:3", "team": "perch"}
    metadata = event.metadata()
    assert ("web", "host:5000/shop/web", "3", {"team": "perch"}, None, None, None) == (
        metadata.name,
        metadata.repository,
        metadata.tag,
        metadata.labels,
        metadata.privileged,
        metadata.digest,
        metadata.mounts,
    )
