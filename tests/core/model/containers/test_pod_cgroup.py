"""The uid of a pod from cgroup paths, of both drivers, in every hierarchy."""

import pytest

from mozu.core.model.containers.pod_cgroup import pod_uid

UID = "0c1f9f9e-5a3a-4c5d-9a86-7d6cf7a4a1b2"
UNIT = UID.replace("-", "_")
HASH = "3d2f4f5e6a7b8c9d0e1f2a3b4c5d6e7f"
ID = "ab" * 32


@pytest.mark.parametrize(
    ("path", "uid"),
    [
        (f"/kubepods/burstable/pod{UID}/{ID}", UID),
        (f"/kubepods/besteffort/pod{UID}/{ID}", UID),
        (f"/kubepods/pod{UID}/{ID}", UID),
        (f"/kubepods/burstable/pod{HASH}/{ID}", HASH),
        (f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNIT}.slice/cri-containerd-{ID}.scope", UID),
        (f"/kubepods.slice/kubepods-pod{UNIT}.slice/crio-{ID}.scope", UID),
        (
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
            f"kubelet-kubepods-burstable-pod{UNIT}.slice/cri-containerd-{ID}.scope",
            UID,
        ),
        (f"/docker/{ID}/kubelet/kubepods/burstable/pod{UID}/{ID}", UID),
        (f"/kubepods/burstable/pod{UID}/{ID}/docker/{ID}", UID),
        (f"/kubepods/burstable/pod{UID}", UID),
        (f"/kubepods/burstable/pod{UID}x/{ID}", None),
        (f"/docker/{ID}", None),
        (f"/user.slice/pod{UID}/{ID}", None),
        (f"/machine.slice/libpod-{ID}.scope", None),
        ("/", None),
    ],
)
def test_a_pod_is_reported_by_its_cgroup(path: str, uid: str | None) -> None:
    assert uid == pod_uid((("memory", path),))


def test_a_pod_that_makes_a_cgroup_like_that_of_another_stays_what_it_is() -> None:
    other = "ffffffff-5a3a-4c5d-9a86-7d6cf7a4a1b2"
    assert pod_uid((("memory", f"/kubepods/burstable/pod{UID}/{ID}/kubepods/burstable/pod{other}/{ID}"),)) == UID


def test_any_hierarchy_may_tell() -> None:
    assert pod_uid((("cpu", "/"), ("", f"/kubepods/pod{UID}/{ID}"))) == UID
    assert pod_uid(()) is None
