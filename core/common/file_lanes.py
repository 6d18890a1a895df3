"""Lanes of a file of another process: the device and the account on which reading it could hang (`ThreadPool`)."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

from mozu.core.common.owners import ROOT
from mozu.core.common.subuids import SubordinateIds
from mozu.core.common.unsynced_stat import unsynced_stat
from mozu.core.model.event import claimed


def file_lanes(links: Iterable[str], container: str, uid: int, ids: SubordinateIds) -> Sequence[str]:
    """Return the devices to which links of /proc (`/proc/PID/root`) lead, and the account of the process.

    `container`: `Container.key`, empty on the host. Root of the host has no account: what hangs for one of its
    processes says nothing about the others.
    """
    lanes = set()
    for link in links:
        with suppress(OSError):
            device = unsynced_stat(link).dev
            lanes.add(f"device {os.major(device)}:{os.minor(device)}")
    account = _account(container, uid, ids)
    return sorted(lanes) + ([account] if account else [])


def _account(container: str, uid: int, ids: SubordinateIds) -> str:
    """Return the proven container, else the user who may make any number of cgroups and has any number of ids."""
    if container:
        full_id, maker, place, outer = claimed(container)
        if not place:
            return f"container {full_id}"
        if outer:
            return _account(outer, uid, ids)
        uid = uid if maker <= ROOT else maker
    return f"user {ids.owner(uid)}" if uid else ""
