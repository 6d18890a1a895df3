"""The demonstration of mozu's purpose, repeated on a real engine; no alert lacks its container."""

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.support.docker import IMAGE, DockerEngine, docker, static_busybox
from tests.support.requirements import CI, ebpf
from tests.support.running import Json, Running, mozu_run

__all__ = ["docker"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(600)]

RUNS = 10 if CI else 50
AT_ONCE = 10

TOUCHED = "File created at the root of a container"
INSTALLED = "Package manager run in a container"
EDITED = "Editor wrote below root's home"
REPOSITORY, TAG = IMAGE.rsplit(":", 1)


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    settings = f"enrichers.containers.docker.socket={docker.socket}"
    with mozu_run(tmp_path_factory.mktemp("mozu"), "-o", settings) as running:
        yield running
        running.stop()


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """Install a vi that works everywhere: busybox under that name."""
    path = tmp_path / "vi"
    path.symlink_to(static_busybox())
    return path


@pytest.fixture
def below_root() -> Iterator[Path]:
    path = Path(mkdtemp(prefix="mozu-demonstration-", dir="/root"))
    yield path
    shutil.rmtree(path)


def container(alert: Json) -> tuple[object, ...]:
    """Return the alert's rule and the fields of its container."""
    fields = alert["output_fields"]
    return (
        alert["rule"],
        len(fields["container.id"] or ""),
        fields["container.name"],
        fields["container.image.repository"],
        fields["container.image.tag"],
    )


def raised_by(mozu: Running, rule: str, name: str) -> Json:
    return mozu.wait_alert(
        lambda alert: alert["rule"] == rule and alert["output_fields"].get("container.name") == name,
        f"{rule!r} with the name of its container, {name}",
    )


def written_by(mozu: Running, rule: str, file: str) -> Json:
    return mozu.wait_alert(
        lambda alert: alert["rule"] == rule and alert["output_fields"]["fd.name"] == file, f"{rule!r} of {file}"
    )


def test_a_file_touched_in_a_container(mozu: Running, docker: DockerEngine) -> None:
    names = [f"touch-{number}" for number in range(RUNS)]
    for name in names:
        docker.run("touch", "/unchi", options=("--name", name))
    alerts = [raised_by(mozu, TOUCHED, name) for name in names]
    assert [container(alert) for alert in alerts] == [(TOUCHED, 12, name, REPOSITORY, TAG) for name in names]
    assert {alert["output_fields"]["fd.name"] for alert in alerts} == {"/unchi"}


def test_a_package_manager_run_in_a_container(mozu: Running, docker: DockerEngine) -> None:
    names = [f"install-{number}" for number in range(RUNS)]
    for name in names:
        docker.run("apt-get", "update", options=("--name", name))
    alerts = [raised_by(mozu, INSTALLED, name) for name in names]
    assert [container(alert) for alert in alerts] == [(INSTALLED, 12, name, REPOSITORY, TAG) for name in names]


def test_an_editor_that_writes_below_root_on_the_host(mozu: Running, editor: Path, below_root: Path) -> None:
    files = [str(below_root / f"note-{number}") for number in range(RUNS)]
    for file in files:
        subprocess.run([editor, "-c", ":wq", file], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    found = [written_by(mozu, EDITED, file)["output_fields"] for file in files]
    assert [(fields["container.id"], fields["container.name"]) for fields in found] == [("host", "host")] * RUNS


def test_ten_containers_at_once(mozu: Running, docker: DockerEngine) -> None:
    names = [f"flock-{number}" for number in range(RUNS)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda name: docker.run("touch", "/unchi", options=("--name", name)), names))
    alerts = [raised_by(mozu, TOUCHED, name) for name in names]
    assert [container(alert) for alert in alerts] == [(TOUCHED, 12, name, REPOSITORY, TAG) for name in names]


def test_no_alert_of_all_of_them_misses_its_container(mozu: Running, docker: DockerEngine) -> None:
    docker.run("touch", "/unchi", options=("--name", "last"))
    raised_by(mozu, TOUCHED, "last")
    incomplete = [alert for alert in mozu.alerts if alert["source"] == "syscall" and not _complete(alert)]
    assert incomplete == []


def _complete(alert: Json) -> bool:
    fields = alert["output_fields"]
    if fields.get("container.id") == "host":
        return bool(fields["container.name"] == "host")
    return all(fields.get(f"container.{name}") for name in ("id", "name", "image.repository"))
