"""A bound on the number of objects of a kind."""

from mozu.core.api import Context
from mozu.plugins.enrichers.kubernetes.resources import Resource


class ObjectLimit:
    """Bound of `limit` objects of a kind; further ones are counted, and logged once."""

    def __init__(self, resource: Resource, limit: int, context: Context) -> None:
        self._resource, self._limit, self._log = resource, limit, context.log
        self._refused = context.metrics.counter("kubernetes_objects_refused_total", resource=resource.plural)

    def has_room(self, count: int) -> bool:
        """Return True if one more object may be kept besides `count`; else count it."""
        if count < self._limit:
            return True
        if not self._refused.value:
            text = "there are more than %d %s: the others are not known; raise max_objects"
            self._log.warning(text, self._limit, self._resource)
        self._refused.value += 1
        return False
