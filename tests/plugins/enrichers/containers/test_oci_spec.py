"""OCI specifications, as runtimes write them."""

import json
from typing import Any

import msgspec
import pytest

from mozu.core.model.containers.metadata import Mount
from mozu.plugins.enrichers.containers.oci_spec import OciSpec, decode_spec

ALL_DEVICES = {"allow": True, "access": "rwm"}
ONE_DEVICE = {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}


def spec(linux: dict[str, Any] | None = None, capabilities: list[str] | None = None, **given: Any) -> OciSpec:
    process = {"capabilities": {"bounding": capabilities or ["CAP_CHOWN"]}}
    return decode_spec(json.dumps({"process": process, "linux": linux or {}, **given}).encode())


def test_a_privileged_container_has_all_devices_and_no_masked_paths() -> None:
    linux = {"resources": {"devices": [{"allow": False, "access": "rwm"}, ALL_DEVICES]}}
    assert spec(linux, ["CAP_SYS_ADMIN"]).privileged


@pytest.mark.parametrize(
    ("linux", "capabilities"),
    [
        ({"resources": {"devices": [ONE_DEVICE]}}, ["CAP_SYS_ADMIN"]),
        ({"resources": {"devices": [ALL_DEVICES]}, "maskedPaths": ["/proc/kcore"]}, ["CAP_SYS_ADMIN"]),
        ({"resources": {"devices": [ALL_DEVICES]}}, ["CAP_CHOWN"]),
        ({}, ["CAP_SYS_ADMIN"]),
    ],
)
def test_less_than_all_of_it_is_not_privileged(linux: dict[str, Any], capabilities: list[str]) -> None:
    assert not spec(linux, capabilities).privileged


def test_mounts_are_those_of_the_host_in_the_order_of_their_destinations() -> None:
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/z", "type": "bind", "source": "/srv", "options": ["rbind", "ro", "rslave"]},
        {"destination": "/a", "source": "/etc", "options": ["bind"]},
    ]
    expected = (Mount("/etc", "/a", "", True, ""), Mount("/srv", "/z", "", False, "rslave"))
    assert expected == spec(mounts=mounts).mounts


def test_a_namespace_that_is_not_made_is_the_hosts() -> None:
    found = spec({"namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/7/ns/net"}]})
    assert [False, False, True] == [found.shares_host(kind) for kind in ("pid", "network", "ipc")]
    assert [False, True] == [found.joins(kind) for kind in ("pid", "network")]


@pytest.mark.parametrize("text", [b"", b"[]", b'{"mounts": 7}', b"\xff"])
def test_what_is_no_specification_is_an_error(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_spec(text)
