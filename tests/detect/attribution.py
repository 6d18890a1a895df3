"""Attribution of alerts: the cgroup of the work holds all that the work starts, its servers and containers too.

Other programs may run on the same machine meanwhile, tests of attacks for instance; their alerts are counted
separately.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.pod_cgroup import cgroup
from tests.support.running import Json

CGROUP: Final = f"/mozu-work-{os.getpid()}"
"""Cgroup of this run alone, in the hierarchy of the memory controller or of cgroup v2. Engines put containers below
it."""
FIELDS: Final = ("-o", "evaluators.falco.append_output=[{extra_fields: [thread.cgroups, proc.pcmdline]}]")
"""Arguments of mozu that add the fields by which alerts are attributed."""


@contextmanager
def work_cgroup() -> Iterator[Path]:
    """Yield the directory of a cgroup for processes of work; v2 allows none in a cgroup that has containers below
    it."""
    with cgroup(CGROUP.lstrip("/"), "processes") as place:
        yield place


def join(place: Path) -> None:
    """Move this process, which has one thread, into the cgroup."""
    (place / "cgroup.procs").write_text("0")


def is_of_work(alert: Json) -> bool:
    """Return True if the alert's process was in the cgroup of the work, or below it."""
    cgroups = (alert["output_fields"].get("thread.cgroups") or "").split(" ")
    return any(f"{pair.partition('=')[2]}/".startswith(f"{CGROUP}/") for pair in cgroups)
