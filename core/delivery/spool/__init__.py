"""The spool of one sink: an SQLite file in which alerts stay until the destination acknowledges them."""

from mozu.core.delivery.spool.contents import SpoolCounts
from mozu.core.delivery.spool.file import SpoolDamaged, SpoolUnusable, remove_unplaced
from mozu.core.delivery.spool.inspect import spool_obstacles
from mozu.core.delivery.spool.owed import OwedNumbers
from mozu.core.delivery.spool.refusal import (
    DiskFull,
    SpoolFull,
    SpoolLocked,
    SpoolRefused,
    SpoolUnwritable,
    is_damage,
    refusal,
)
from mozu.core.delivery.spool.rows import DeadLetter, SpoolStatus, runs
from mozu.core.delivery.spool.shedding import StoredAlert
from mozu.core.delivery.spool.store import Spool

__all__ = [
    "DeadLetter",
    "DiskFull",
    "OwedNumbers",
    "Spool",
    "SpoolCounts",
    "SpoolDamaged",
    "SpoolFull",
    "SpoolLocked",
    "SpoolRefused",
    "SpoolStatus",
    "SpoolUnusable",
    "SpoolUnwritable",
    "StoredAlert",
    "is_damage",
    "refusal",
    "remove_unplaced",
    "runs",
    "spool_obstacles",
]
