"""The tasks that containerd runs, by its state directory: NAMESPACE/ID below the root of its runtime.

containerd makes the directory of a task before it starts the shim that makes the cgroup (runtime/v2 `NewBundle`), and
removes it with the task.
"""

import os
from typing import Final

_PLUGIN: Final = "io.containerd.runtime.v2.task"
STATE_DIRECTORIES: Final = (
    f"/run/containerd/{_PLUGIN}",
    f"/run/k3s/containerd/{_PLUGIN}",
    f"/run/docker/containerd/daemon/{_PLUGIN}",
)
"""The state directories of containerd itself, of k3s and RKE2, and of the containerd that dockerd starts."""


def has_task(namespace: str, task_id: str) -> bool:
    """Return True if one of the state directories has this task. Makes up to three system calls and reads nothing."""
    return any(os.path.isdir(f"{place}/{namespace}/{task_id}") for place in STATE_DIRECTORIES)
