import inspect
from pathlib import Path

import pytest

from mozu.core.common.cgroup_makers import CgroupMakers
from mozu.core.model.event import Claim, Container, claimed
from mozu.core.state import containerd_tasks
from mozu.core.state.cgroup import container_of, match, named

ID = "a" * 8 + "0123456789abcdef" * 3 + "b" * 8
POD = "11111111-2222-3333-4444-555555555555"
SLICE = POD.replace("-", "_")

CONTAINERS = [
    (f"/docker/{ID}", "docker"),
    (f"/docker/{ID}/init.scope", "docker"),
    (f"/system.slice/docker-{ID}.scope", "docker"),
    (f"/system.slice/docker-{ID}.scope/system.slice/sshd.service", "docker"),
    (f"/../{ID}", "docker"),
    (f"/actions_job/{ID}", "docker"),
    (f"/docker/buildkit/{ID}", "docker"),
    (
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{SLICE}.slice/cri-containerd-{ID}.scope",
        "containerd",
    ),
    (
        f"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{SLICE}.slice/cri-containerd-{ID}.scope",
        "containerd",
    ),
    (f"/system.slice/containerd.service/kubepods-besteffort-pod{SLICE}.slice:cri-containerd:{ID}", "containerd"),
    (f"/user.slice/user-1000.slice/user@1000.service/app.slice/nerdctl-{ID}.scope", "containerd"),
    (f"/kubepods/burstable/pod{POD}/{ID}", "k8s"),
    (f"/kubepods/pod{POD}/{ID}", "k8s"),
    (f"/kubepods/burstable/pod{'0123456789abcdef' * 2}/{ID}", "k8s"),
    (f"/kubepods.slice/kubepods-pod{SLICE}.slice/crio-{ID}.scope/container", "cri-o"),
    (f"/kubepods/burstable/pod{POD}/crio-{ID}", "cri-o"),
    (f"/machine.slice/libpod-{ID}.scope/container", "podman"),
    (f"/libpod_parent/libpod-{ID}", "podman"),
    (f"/machine.slice/libpod-payload-{ID}.scope", "podman"),
    (f"/libpod_parent/{'c' * 64}/libpod-{ID}", "podman"),
    (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container", "podman"),
    (f"/system.slice/web.service/libpod-payload-{ID}", "podman"),
    (f"/machine.slice/machine-libpod_pod_{'c' * 64}.slice/libpod-{ID}.scope/container/nested", "podman"),
    (f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{SLICE}.slice/docker-{ID}.scope", "docker"),
    (f"/default/{ID}", "containerd"),
    (f"/k8s.io/{ID}", "containerd"),
    (f"/docker/{'c' * 64}/docker/{ID}", "docker"),
    (f"/docker/{'c' * 64}/kubelet.slice/kubelet-kubepods.slice/cri-containerd-{ID}.scope", "containerd"),
    (f"/docker/{'c' * 64}/libpod_parent/libpod-{ID}", "podman"),
    (f"/docker/{ID}/libpod_parent/libpod-conmon-{'c' * 64}", "docker"),
    (f"/lxc.payload.web/docker/{ID}/init.scope", "docker"),
    (f"/../docker-{ID}.scope", "docker"),
    (f"/../../{ID}/init.scope", "docker"),
    (f"/../../kubepods/burstable/pod{POD}/{ID}", "k8s"),
    (f"/ecs/{'0123456789abcdef' * 2}/{ID}", "ecs"),
]


@pytest.mark.parametrize(("path", "runtime"), CONTAINERS)
def test_the_path_of_a_container_tells_id_and_runtime(path: str, runtime: str) -> None:
    found = match(path)
    assert found is not None
    assert (ID, ID[:12], runtime) == (found.full_id, found.id, found.runtime)


@pytest.mark.parametrize(
    ("path", "name", "runtime"),
    [
        ("/lxc/web", "web", "lxc"),
        ("/lxc.payload.web/system.slice/x.service", "web", "lxc"),
        ("/lxc.payload/web", "web", "lxc"),
        ("/machine.slice/systemd-nspawn@deb.service/payload", "deb", "systemd-nspawn"),
        ("/machine/web.libvirt-lxc", "web", "libvirt-lxc"),
        ("/libvirt/lxc/web", "web", "libvirt-lxc"),
        ("/system.slice/bpm-job-x.scope", "job-x", "bpm"),
        ("/machine.slice/machine-deb.scope/payload", "deb", "systemd-nspawn"),
        (r"/machine.slice/machine-lxc\x2d4711\x2dweb.scope/libvirt", "web", "libvirt-lxc"),
        ("/default/c1", "c1", "containerd"),
        ("/../default/c1", "c1", "containerd"),
        (f"/docker/{ID}/default/c1", "c1", "containerd"),
        ("/docker/buildkit/abcdefghijklmnopqrstuvwxy/x", "abcdefghijklmnopqrstuvwxy", "buildkit"),
        ("/system.slice/buildkit-abcdefghijklmnopqrstuvwxy.scope", "abcdefghijklmnopqrstuvwxy", "buildkit"),
        ("/docker/buildkit/abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuvwxy", "buildkit"),
    ],
)
def test_some_runtimes_give_names(path: str, name: str, runtime: str) -> None:
    found = match(path)
    assert found is not None
    assert (name, runtime) == (found.full_id, found.runtime)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/init.scope",
        "/system.slice/ssh.service",
        "/system.slice/containerd.service",
        "/user.slice/user-0.slice/session-1.scope",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/kubepods.slice/kubepods-pod{SLICE}.slice/crio-conmon-{ID}.scope",
        f"/process_api/{'0123456789abcdef' * 2}",
        "/anything/else",
        f"/docker/{ID[:40]}",
        "/lxc.monitor.web",
        "/lxc.monitor/web",
        "/machine.slice/systemd-nspawn@deb.service/supervisor",
        r"/machine.slice/machine-qemu\x2d1\x2dvm.scope/emulator",
        "/production/web1",
        "/default/c1.service",
    ],
)
def test_other_paths_are_of_the_host(path: str) -> None:
    assert match(path) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/docker/{ID}", ID),
        (f"/docker/{ID.upper()}", ID.upper()),
        ("/default/my-ctr", "my-ctr"),
        ("/anything/else", "else"),
        (f"/system.slice/nerdctl-{ID}.scope", None),
        (f"/docker/{ID}/init.scope", None),
        ("/system.slice/ssh.service", None),
        ("/lxc/box1/init.scope", "box1"),
        ("/system.slice/bpm-job-x.scope", "job-x"),
        (f"/machine.slice/libpod-conmon-{ID}.scope", None),
        (f"/kubepods/besteffort/pod1/{ID}", ID),
        (f"/kubepods.slice/cri-containerd-{ID}.scope", ID),
        (f"/x/{'y' * 58}.scope", None),
        ("/system.slice/web.service/deep/worker", "web.service/deep/worker"),
        ("/a b/default/my-ctr", "my-ctr"),
        (f"/kubepods/burstable/quality/pod11112222-3333-4444-5555-666677778888/{'y' * 64}", "y" * 64),
        (f"/machine.slice/libpod-{ID}.scope/payload/worker", ID),
        (f"/docker-{ID}.scope/init.scope", None),
        ("/bpm-job-x", "job-x"),
        ("/bpm-a:bpm-b", None),
        (r"/machine-lxc\x2d12\x2dbox.scope/libvirt", r"12\x2dbox"),
        (r"/a.scope/machine-lxc\x2d12\x2dbox.scope", None),
        ("/box.libvirt-lxc", "box"),
        ("/lxc/", None),
        (f"/x/{'y' * 57}.scope", None),
        (f"/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope", ID),
    ],
)
def test_recordings_are_matched_as_the_reference_matches(path: str, expected: str | None) -> None:
    found = match(path, None)
    assert expected == (None if found is None else found.full_id)


def test_the_first_path_that_tells_counts() -> None:
    found = container_of((("name=systemd", "/"), ("pids", f"/docker/{ID}"), ("", "/lxc/x")))
    assert found is not None
    assert ID == found.full_id


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("/system.slice/docker.service/deep/er", f"/docker/{ID}"), "docker.service/deep/er"),
        ((f"/docker/{ID}", "/system.slice/docker.service/deep/er"), ID),
        (("/", "/user.slice/user-0.slice", "/lxc.payload.web", f"/docker/{ID}"), "web"),
        (("/lxc/", f"/docker/{ID}"), ID),
    ],
)
def test_of_hierarchies_that_disagree_the_first_recorded_one_that_names_a_container_counts(
    paths: tuple[str, ...], expected: str
) -> None:
    found = container_of(tuple((f"controller{at}", path) for at, path in enumerate(paths)), None)
    assert found is not None
    assert expected == found.full_id


def test_no_cgroup_is_no_container() -> None:
    assert container_of(()) is None


@pytest.mark.parametrize("path", ["/production/web1", "/outer/production/web1", "/production/web1/init.scope"])
def test_any_namespace_counts_where_containerd_has_that_task(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "production/web1").mkdir(parents=True)
    monkeypatch.setattr(containerd_tasks, "STATE_DIRECTORIES", (str(tmp_path),))
    found = inspect.unwrap(named)(path)
    assert found is not None
    assert ("web1", "containerd") == (found.container.full_id, found.container.runtime)


def test_hybrid_hierarchies_count_whichever_of_them_tells() -> None:
    paths = (("memory", "/process_api/x"), ("name=systemd", f"/user.slice/libpod-{ID}.scope/container"), ("", "/"))
    found = container_of(paths)
    assert found is not None
    assert (ID, "podman") == (found.full_id, found.runtime)


class Makers(CgroupMakers):
    """Makers of cgroups, by path; root made all others."""

    def __init__(self, users: dict[str, int]) -> None:
        super().__init__(dict)
        self.users = users

    def of(self, subsystem: str, path: str) -> int:
        return next((uid for begin, uid in self.users.items() if path.startswith(begin)), 0)


def proven(*paths: str, **users: int) -> Container | None:
    cgroups = tuple((str(number), path) for number, path in enumerate(paths))
    return container_of(cgroups, makers=Makers(users))


@pytest.mark.parametrize("path", [path for path, _ in CONTAINERS if not ("c" * 64 in path or "lxc.payload" in path)])
def test_a_container_whose_cgroup_root_made_is_proven(path: str) -> None:
    found = proven(path)
    assert found is not None
    assert found.claim is None


def test_one_that_a_user_made_is_a_claim_of_that_user() -> None:
    path = f"/user.slice/docker-{ID}.scope"
    found = proven(f"{path}/below", **{"/user.slice": 65534})
    assert found == Container(ID, "docker", Claim(path, 65534))
    assert found.key != Container(ID, "docker").key
    assert (found.proven, found.account) == (None, "")


def test_one_that_was_made_inside_another_is_a_claim_of_that_one() -> None:
    outer, inner = f"/docker/{'c' * 64}", f"/docker/{'c' * 64}/docker/{ID}"
    found = proven(inner)
    assert found == Container(ID, "docker", Claim(inner, 0, Container("c" * 64, "docker")))
    assert found.account == "c" * 64
    assert proven(outer) == Container("c" * 64, "docker")


def test_claims_of_different_places_or_makers_are_known_apart() -> None:
    keys = {
        container.key
        for path, uid in ((f"/a/docker-{ID}.scope", 1), (f"/a/docker-{ID}.scope", 2), (f"/a/b/docker-{ID}.scope", 1))
        if (container := proven(path, **{"/a": uid})) is not None
    }
    assert len(keys) == 3


def test_the_key_of_a_claim_tells_it_again() -> None:
    outer = Container("c" * 64, "docker", Claim("/x", 7))
    inner = Container(ID, "podman", Claim("/x/y", 8, outer))
    assert claimed(inner.key) == (ID, 8, "/x/y", outer.key)
    assert claimed(outer.key) == ("c" * 64, 7, "/x", "")
    assert claimed(ID) == (ID, 0, "", "")


def test_a_proven_container_in_one_hierarchy_counts_before_a_claim_in_another() -> None:
    forged, real = f"/user.slice/docker-{ID}.scope", f"/docker/{'c' * 64}"
    assert proven(forged, real, **{"/user.slice": 65534}) == Container("c" * 64, "docker")
