"""Engines of containers for ordinary work, beside which other tests run."""

import pytest

from tests.support.containerd import Containerd, own_containerd
from tests.support.remains import without_remains

__all__ = ["own_containerd"]

pytestmark = pytest.mark.docker


def test_a_container_that_another_engine_has_begun_meanwhile_runs_on(own_containerd: Containerd) -> None:
    with without_remains():
        own_containerd.begin("neighbour")

    assert own_containerd.ctr("tasks", "exec", "--exec-id", "1", "neighbour", "echo", "runs") == "runs\n"
