"""Controllers of a pod: a replica set, the deployment that controls it, a daemon set, a job …"""

import msgspec

from mozu.plugins.enrichers.kubernetes.resources import Resource


class Controller(msgspec.Struct, frozen=True):
    """A controller above a pod."""

    resource: Resource | None
    """Kind of the object; None for a kind that is not read, of which only the reference is known."""
    kind: str
    name: str
    uid: str
    labels: dict[str, str] | None
    """Labels; None if unknown."""
