"""The uid of the pod that a process is in, from its cgroup paths.

The kubelet makes a cgroup for each pod (its `cgroupManager`) below `kubepods`, whatever the runtime: `pod` and the uid,
as Kubernetes writes it with the driver cgroupfs, with underscores for dashes with systemd's. For a static pod the uid
is a hash of 32 digits.
"""

import re
from typing import Final

from mozu.core.caches import cached

_POD: Final = re.compile(
    r"kubepods.*?[/-]pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?:/|$)"
)
"""Pattern of the outermost pod: cgroups that a pod makes below its own may look like another pod's."""


@cached(4096)
def pod_uid(cgroups: tuple[tuple[str, str], ...]) -> str | None:
    """Return the uid, with dashes, for a process with these (subsystem, path) pairs; None outside pods."""
    for _, path in cgroups:
        found = _POD.search(path)
        if found is not None:
            return found["uid"].replace("_", "-")
    return None
