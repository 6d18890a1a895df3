"""Alerts of the work are distinguished from others by the cgroups of their processes."""

import pytest

from tests.detect.attribution import CGROUP, is_of_work


@pytest.mark.parametrize(
    "cgroups",
    [
        f"memory={CGROUP}/processes",
        f"pids=/ memory={CGROUP}/processes cpu=/",
        f"cpu={CGROUP}/docker/{'a' * 64} memory={CGROUP}/docker/{'a' * 64}",
        f"={CGROUP}/processes",
    ],
    ids=["v1", "v1 with others", "a container", "v2"],
)
def test_of_the_work_are_alerts_of_processes_below_its_cgroup(cgroups: str) -> None:
    assert is_of_work({"output_fields": {"thread.cgroups": cgroups}})


@pytest.mark.parametrize(
    "cgroups",
    ["", None, "memory=/", f"memory={CGROUP}9/processes", f"memory=/docker{CGROUP}"],
    ids=["empty", "none", "the root", "a longer name", "another place"],
)
def test_of_others_are_alerts_of_processes_elsewhere(cgroups: str | None) -> None:
    assert not is_of_work({"output_fields": {"thread.cgroups": cgroups}})
