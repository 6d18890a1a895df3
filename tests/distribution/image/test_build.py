"""The image of the commit that is checked out, run by podman as docs/operate/container-image.md says."""

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from distribution import wheels
from distribution.image import base, build
from distribution.release import release_of
from tests.distribution.image.test_oci import layout
from tests.support.podman import Podman, podman
from tests.support.requirements import ROOT, ebpf, program, require
from tests.support.split import needs_live

__all__ = ["podman"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LARGEST: Final = 90_000_000
CANARY: Final = "/tmp/mozu-canary-of-the-image"
CAPABILITIES: Final = ("BPF", "PERFMON", "DAC_READ_SEARCH", "SYS_PTRACE")
RULES: Final = f"""
- rule: Canary
  desc: A program of the host or of a container reads the canary.
  condition: evt.type in (open, openat, openat2) and fd.name = {CANARY}
  output: canary (program=%proc.name container=%container.name image=%container.image.repository)
  priority: WARNING
"""


@pytest.fixture(scope="module")
@needs_live
def image(tmp_path_factory: pytest.TempPathFactory) -> build.Image:
    """Return the image for x86-64."""
    require(os.geteuid() == 0, "mmdebstrap needs root or user namespaces")
    program("mmdebstrap")
    found = wheels.fetched(ROOT / "build" / "wheels", "x86_64")
    return build.build(ROOT, release_of(ROOT), found, tmp_path_factory.mktemp("image"), "x86_64")


@pytest.fixture(scope="module")
@needs_live
def loaded(image: build.Image, podman: Podman) -> str:
    """Return the name by which podman has the image."""
    return podman.podman("load", "--quiet", "--input", image.file).partition("Loaded image: ")[2]


@pytest.fixture(scope="module")
def names(image: build.Image, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the paths of all files in the image's layers."""
    index, blobs = layout(image.file)
    manifest = json.loads(blobs[index["manifests"][0]["digest"]])
    found: set[str] = set()
    for layer in manifest["layers"]:
        file = tmp_path_factory.mktemp("layer") / "layer.tar.gz"
        file.write_bytes(blobs[layer["digest"]])
        with tarfile.open(file) as archive:
            found |= set(archive.getnames())
    return found


def options(capabilities: tuple[str, ...] = CAPABILITIES) -> list[str]:
    """Return podman's options of the documentation."""
    return [
        *("--pid", "host", "--uts", "host", "--read-only", "--cap-drop", "all", "--cap-add", ",".join(capabilities)),
        *("--security-opt", "seccomp=unconfined", "--volume", "/sys/kernel/tracing:/sys/kernel/tracing:ro"),
    ]  # fmt: skip


def test_it_is_small_and_has_one_python_and_no_shell(image: build.Image, names: set[str]) -> None:
    programs = {name.removeprefix("usr/bin/") for name in names if name.startswith(("usr/bin/", "usr/sbin/"))}

    assert image.file.stat().st_size <= LARGEST
    assert {name for name in programs if name.startswith("python")} == {"python3", f"python{base.PYTHON}"}
    assert not programs & {"sh", "bash", "dash", "busybox", "apt-get", "dpkg", "perl", "tar", "gcc", "openssl"}


def test_every_module_of_mozu_is_compiled(names: set[str]) -> None:
    tag = f".cpython-{base.PYTHON.replace('.', '')}"
    modules = {name for name in names if name.endswith(".py") and "/site-packages/mozu/" in name}
    compiled = {
        name.replace("/__pycache__/", "/").replace(f"{tag}.pyc", ".py") for name in names if "/__pycache__/" in name
    }

    assert len(modules) > 900
    assert modules <= compiled


def test_the_bill_names_every_wheel_and_every_package(image: build.Image, names: set[str]) -> None:
    listed: list[dict[str, Any]] = json.loads(image.bill.read_text())["packages"]
    digests = {check["checksumValue"] for one in listed for check in one.get("checksums", [])}
    status = "var/lib/dpkg/status.d/"
    packages = {name.removeprefix(status) for name in names if name.startswith(status)}
    of_python = {one.sha256 for one in wheels.locked("x86_64") if one.fits(base.PYTHON)}

    assert {one["name"] for one in listed if one["SPDXID"].startswith("SPDXRef-deb-")} == packages
    assert {"libc6", "python3.13-minimal"} <= packages
    assert of_python | {image.digest.removeprefix("sha256:")} <= digests


def test_its_configuration_is_accepted(loaded: str, podman: Podman) -> None:
    assert "/etc/mozu/mozu.yaml: Ok" in podman.run("--read-only", image=loaded, command=("check",))


@pytest.mark.ebpf
def test_it_names_programs_of_the_host_and_of_other_containers(loaded: str, podman: Podman, tmp_path: Path) -> None:
    ebpf()
    (tmp_path / "rules.yaml").write_text(RULES)
    podman_settings = f"enrichers: [users, containers: {{podman: {{storage: [{podman.storage}]}}}}]\n"
    (tmp_path / "config.yaml").write_text(podman_settings)
    command = ("run", "--rules", "/etc/mozu/rules.d", "--json")
    mounts = ["--volume", f"{tmp_path}/rules.yaml:/etc/mozu/rules.d/rules.yaml:ro"]
    mounts += ["--volume", f"{tmp_path}/config.yaml:/etc/mozu/config.d/config.yaml:ro"]
    mounts += ["--volume", f"{podman.root}:{podman.root}:ro"]
    container = podman.begin(*options(), *mounts, image=loaded, command=command)
    alerts = _alerts(podman, container)
    assert next(alerts)["rule"] == "mozu started"

    subprocess.run(["cat", CANARY], check=False, capture_output=True)
    of_host = next(alerts)["output"]
    podman.begin("--name", "seen", command=("cat", CANARY))
    of_container = next(alerts)["output"]
    podman.remove("seen", container)

    assert "program=cat container=host" in of_host
    assert "container=seen" in of_container


@pytest.mark.ebpf
@pytest.mark.parametrize("missing", ["BPF", "PERFMON", "DAC_READ_SEARCH"])
def test_a_missing_capability_is_named(loaded: str, podman: Podman, missing: str) -> None:
    ebpf()
    held = tuple(one for one in CAPABILITIES if one != missing)
    container = podman.begin(*options(held), image=loaded, command=("run", "--check"))
    code, report = podman.podman("wait", container), podman.podman("logs", container)
    podman.remove(container)

    assert code == "1"
    assert re.search(rf"^CAP_{missing} +no ", report, re.MULTILINE)


def _alerts(podman: Podman, container: str) -> Iterator[dict[str, Any]]:
    """Yield the container's alerts as they come."""
    stores = ["--root", str(podman.storage), "--runroot", str(podman.root / "run")]
    command = ["podman", *stores, "--storage-driver", "vfs", "logs", "--follow", container]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as follower:
        assert follower.stdout is not None
        for line in follower.stdout:
            if line.startswith(b"{"):
                yield json.loads(line)
