"""The spool of one sink: an SQLite file in which alerts stay until the destination acknowledges them."""

from mozu.core.delivery.spool.file import SpoolDamaged, SpoolFull, SpoolUnusable
from mozu.core.delivery.spool.owed import OwedNumbers
from mozu.core.delivery.spool.rows import DeadLetter, SpoolStatus
from mozu.core.delivery.spool.store import Spool

__all__ = ["DeadLetter", "OwedNumbers", "Spool", "SpoolDamaged", "SpoolFull", "SpoolStatus", "SpoolUnusable"]
