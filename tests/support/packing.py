"""Alerts in the form in which queues hold them."""

from mozu.core.delivery.packed_alert import AlertPacker, PackedAlert
from mozu.core.model.alert import Alert
from mozu.core.testing import alert


def packed(one: Alert) -> PackedAlert:
    """Return the alert packed as by the pipeline of alerts."""
    return AlertPacker().pack(one)


def room(count: int) -> int:
    """Return bytes of a queue that takes exactly `count` small alerts, as `alert` makes them."""
    size = packed(alert()).size
    return size * count + size // 2
