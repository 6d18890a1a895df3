"""The durable spool of one sink: alerts in a file until the destination has said that it has them."""

from mozu.core.spool.codec import decode_alert, encode_alert
from mozu.core.spool.store import DeadLetter, Spool, SpoolDamaged, SpoolFull, SpoolStatus

__all__ = ["DeadLetter", "Spool", "SpoolDamaged", "SpoolFull", "SpoolStatus", "decode_alert", "encode_alert"]
