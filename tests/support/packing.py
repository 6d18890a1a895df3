"""Alerts as queues hold them."""

from mozu.core.delivery.packed_alert import AlertPacker, PackedAlert
from mozu.core.model.alert import Alert
from mozu.core.testing import alert


def packed(one: Alert) -> PackedAlert:
    """As the pipeline of alerts packs it."""
    return AlertPacker().pack(one)


def room(count: int) -> int:
    """Bytes of a queue that so many small alerts fill, as `alert` makes them, and no more."""
    size = packed(alert()).size
    return size * count + size // 2
