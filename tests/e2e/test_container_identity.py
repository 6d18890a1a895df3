"""A process that takes the name of a container's cgroup gets neither the container's name nor its grants."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pytest

from tests.support.containerd import Containerd, containerd
from tests.support.delegated import USER, delegated, forger
from tests.support.docker import DockerEngine, docker
from tests.support.requirements import ebpf
from tests.support.responding import configured, in_folder, let_go, opener
from tests.support.running import PATIENCE, Json, Running, mozu_run

__all__ = ["containerd", "docker"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(180)]

ALLOWED: Final = "spared"
IN_CONTAINER: Final = "/mozu-inside"
OUTPUT: Final = "%proc.pid %container.id %container.name %container.image.repository %container.state"


class Stage(NamedTuple):
    """mozu with a kill rule that spares one container, and that container."""

    running: Running
    trap: Path
    real: str


@pytest.fixture(scope="module")
def stage(docker: DockerEngine, containerd: Containerd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    ebpf()
    folder = tmp_path_factory.mktemp("identity")
    public = TemporaryDirectory(prefix="mozu-trap-")
    trap = in_folder(Path(public.name), ["kill"])["kill"]
    places = (("state", containerd.state), ("root", containerd.root / "root"), ("socket", containerd.socket))
    engines: dict[str, dict[str, object]] = {
        "docker": {"socket": str(docker.socket), "data_root": str(docker.data_root)},
        "containerd": {name: str(path) for name, path in places},
    }
    engines["podman"] = {"storage": [str(Path(public.name, "storage"))]}
    config = configured(
        folder, {"kill": f"{trap}, {IN_CONTAINER}"}, [{"kill": {"dry_run": False, "per_minute": 100}}], output=OUTPUT,
        enrichers=[{"containers": engines}],
        respond={"allow": {"containers": [ALLOWED]}, "per_minute": 100, "per_account": 50},
    )  # fmt: skip
    real = docker.begin(options=("--name", ALLOWED))
    try:
        with mozu_run(folder, "-c", str(config)) as running:
            yield Stage(running, Path(trap), real)
            running.stop()
    finally:
        docker.remove(real)
        public.cleanup()


def alert(stage: Stage, rule: str, after: int, **fields: object) -> Json:
    def is_it(one: Json) -> bool:
        return bool(one["rule"] == rule and fields.items() <= one["output_fields"].items())

    found: Json = stage.running.wait_alert(is_it, f"{rule} {fields}", after=after)
    return found


@pytest.mark.parametrize("way", ["user", "namespace"])
def test_of_a_user_to_whom_a_cgroup_is_delegated(stage: Stage, way: str) -> None:
    before = len(stage.running.alerts)
    with delegated() as place, forger(place, f"docker-{stage.real}.scope", stage.trap, way) as process:
        let_go(process)
        assert process.wait(PATIENCE) == -SIGKILL
        raised = alert(stage, "kill", before, **{"proc.pid": process.pid})["output_fields"]
        notice = alert(stage, "Container identity forged", 0)["output_fields"]
    assert (raised["container.name"], raised["container.image.repository"]) == (None, None)
    assert (notice["container_id"], notice["maker"]) == (stage.real[:12], "user 65534")


@pytest.mark.parametrize("full_id", ["f" * 64, "the real one's"], ids=["another id", "the id of the real one"])
def test_of_a_user_whose_own_podman_has_given_the_allowed_name(stage: Stage, full_id: str) -> None:
    """A user may write anything into their own storage of podman: it names their containers, and spares none."""
    full_id = stage.real if full_id.startswith("the") else full_id
    containers = stage.trap.parent / "storage/overlay-containers"
    shutil.rmtree(containers.parent, ignore_errors=True)
    containers.mkdir(parents=True)
    listed = [{"id": full_id, "names": [ALLOWED], "image": "", "metadata": json.dumps({"image-name": "img"})}]
    (containers / "containers.json").write_text(json.dumps(listed))
    for path in (containers.parent, containers, containers / "containers.json"):
        os.chown(path, USER, USER)
    before = len(stage.running.alerts)
    with delegated() as place, forger(place, f"libpod-{full_id}.scope", stage.trap) as process:
        let_go(process)
        assert process.wait(PATIENCE) == -SIGKILL
        raised = alert(stage, "kill", before, **{"proc.pid": process.pid})["output_fields"]
    named = None if full_id == stage.real else ALLOWED
    assert (raised["container.id"], raised["container.name"]) == (full_id[:12], named)


def test_of_root_in_another_container(stage: Stage, docker: DockerEngine) -> None:
    """Make a cgroup in each hierarchy that the process sees, named as the container that it is in."""
    forged = f"docker-{stage.real}.scope"
    script = (
        "for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do d=${f%/*}; "
        f"mkdir $d/{forged} && echo $$ > $d/{forged}/cgroup.procs && touch /made; done 2>/dev/null; "
        f"while [ -e /made ]; do true < {IN_CONTAINER}; sleep 1; done"
    )
    before = len(stage.running.alerts)
    made = docker.begin("sh", "-c", script, options=("--runtime", "bounded", "--privileged", "--name", "forging"))
    try:
        raised = alert(stage, "kill", before)["output_fields"]
        alert(stage, "Response taken", before, responder="kill")
    finally:
        docker.remove(made)
    assert raised["container.name"] == "forging"


def test_of_root_in_a_container_of_containerd(stage: Stage, containerd: Containerd) -> None:
    """Make a cgroup below the process's own cgroup in two hierarchies, which it mounts, named as the container of
    docker.
    """
    script = (
        "for way in cgroup2: cgroup:pids; do d=/c${way%:*}; mkdir -p $d; mount -t ${way%:*} -o ${way#*:} none $d; "
        'own=$(busybox sed -n "s/^[0-9]*:${way#*:}://p" /proc/$$/cgroup); '
        f"mkdir $d$own/docker-{stage.real}.scope && echo $$ > $d$own/docker-{stage.real}.scope/cgroup.procs; done; "
        f"while grep -q docker-{stage.real} /proc/$$/cgroup; do true < {IN_CONTAINER}; sleep 1; done"
    ).replace("grep", "busybox grep")
    before = len(stage.running.alerts)
    containerd.begin("forging", "--cap-add", "CAP_SYS_ADMIN", command=("sh", "-c", script))
    try:
        raised = alert(stage, "kill", before)["output_fields"]
        alert(stage, "Response taken", before, responder="kill")
    finally:
        containerd.remove("forging")
    assert (raised["container.id"], raised["container.name"]) == ("forging", "forging")


def test_and_the_container_itself_is_spared(stage: Stage, docker: DockerEngine) -> None:
    before = len(stage.running.alerts)
    docker.docker("exec", stage.real, "sh", "-c", f"true < {IN_CONTAINER}; sleep 3")
    raised = alert(stage, "kill", before, **{"container.name": ALLOWED})["output_fields"]
    assert raised["container.id"] == stage.real[:12]
    refused = alert(stage, "Response refused", before)
    assert f"container {ALLOWED} is allowed" in refused["output"]


def test_forged_containers_spend_the_budget_of_the_user_who_has_made_them(docker: DockerEngine, tmp_path: Path) -> None:
    """Another user, who comes after 24 forged containers have read the file, is acted on."""
    ebpf()
    with TemporaryDirectory(prefix="mozu-trap-") as public, delegated() as place, ExitStack() as ended:
        trap = Path(in_folder(Path(public), ["kill"])["kill"])
        config = configured(
            tmp_path, {"kill": str(trap)}, [{"kill": {"dry_run": False}}], output=OUTPUT,
            enrichers=[{"containers": {"docker": {"socket": str(docker.socket), "data_root": str(docker.data_root)}}}],
        )  # fmt: skip
        running = ended.enter_context(mozu_run(tmp_path, "-c", str(config)))
        names = [f"docker-{number:064x}.scope" for number in range(1, 25)]
        forgers = [ended.enter_context(forger(place, name, trap)) for name in names]
        for process in forgers:
            let_go(process)
        running.wait_alert(lambda one: one["rule"] == "Response refused", "a budget that is spent")
        other = ended.enter_context(opener(trap, 65533))
        let_go(other)
        assert other.wait(PATIENCE) == -SIGKILL
        assert {-SIGKILL, None} == {process.poll() for process in forgers}
        running.stop()
