import pytest

from mozu.core.state.cgroup import container_of, match

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
        ("/default/c1", "c1", "containerd"),
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


def test_no_cgroup_is_no_container() -> None:
    assert container_of(()) is None
