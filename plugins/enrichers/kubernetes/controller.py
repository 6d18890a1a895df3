"""What controls a pod: a replica set, what controls that, a daemon set, a job …"""

import msgspec

from mozu.plugins.enrichers.kubernetes.resources import Resource


class Controller(msgspec.Struct, frozen=True):
    """One of those above a pod."""

    resource: Resource | None
    """None: a kind that is not read, of which the reference alone is known."""
    kind: str
    name: str
    uid: str
    labels: dict[str, str] | None
    """None: not known."""
