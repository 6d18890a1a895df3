"""The durable spool of one sink: alerts in a file until the destination has said that it has them."""

from mozu.core.delivery.spool.file import SpoolDamaged, SpoolFull, SpoolUnusable
from mozu.core.delivery.spool.store import DeadLetter, Spool, SpoolStatus

__all__ = ["DeadLetter", "Spool", "SpoolDamaged", "SpoolFull", "SpoolStatus", "SpoolUnusable"]
