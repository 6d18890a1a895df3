"""Log lines about the API server: once when it is absent, once when it is back, and for each missing permission."""

import logging
from collections.abc import Callable

from mozu.plugins.enrichers.kubernetes.access import NoAccess
from mozu.plugins.enrichers.kubernetes.answers import RequestRefused
from mozu.plugins.enrichers.kubernetes.resources import PODS, Resource

Failure = tuple[type[Exception], int]
"""A kind of failure, with its status."""


class ServerLog:
    """Log of one server. A failure that is not repeated is not logged: a broken watch, or a server that has just
    started and has not read its roles yet."""

    def __init__(self, log: logging.Logger, on_failure: Callable[[], None]) -> None:
        """Prepare the log. `on_failure` is called after a failed request, when waiting for the answer is pointless."""
        self._log, self._on_failure = log, on_failure
        self._failures: dict[Resource, tuple[Failure, int]] = {}
        """Last failure of each kind, and number of times in a row."""
        self._refused: set[Resource] = set()
        self._has_answered = False
        self._absence: set[Failure] = set()
        """Failures logged in the present absence."""

    @property
    def answers(self) -> bool:
        """True if the server lets mozu read pods, as far as known."""
        return self._has_answered and not self.is_out_of_reach

    @property
    def is_out_of_reach(self) -> bool:
        """True if the server is known not to let mozu read pods."""
        return bool(self._absence) or PODS in self._refused

    def failed(self, resource: Resource, error: Exception) -> bool:
        """Note a failed request for objects of a kind; return True if the one before failed in the same way."""
        failure: Failure = type(error), error.status if isinstance(error, RequestRefused) else 0
        last, count = self._failures.get(resource, (failure, 0))
        is_repeated = last == failure and count > 0
        self._failures[resource] = failure, count + 1 if is_repeated else 1
        if isinstance(error, RequestRefused) and error.is_final:
            if is_repeated:
                self._say_refused(resource, error)
        elif is_repeated or not self._has_answered:
            self._say_absent(failure, error)
        self._on_failure()
        return is_repeated

    def answered(self, resource: Resource) -> None:
        """Note an answered request for objects of a kind."""
        self._failures.pop(resource, None)
        self._has_answered = True
        if self._absence:
            self._absence.clear()
            self._log.info("the Kubernetes API answers")
        if resource in self._refused:
            self._refused.discard(resource)
            self._log.info("the Kubernetes API lets mozu read %s", resource)

    def _say_refused(self, resource: Resource, error: RequestRefused) -> None:
        if resource in self._refused:
            return
        self._refused.add(resource)
        self._log.warning(
            "the Kubernetes API does not let mozu read %s (%s): the fields that are made of them are missing; give its "
            "cluster role the verbs get, list and watch for %s; trying again until it does",
            resource,
            error,
            resource,
        )

    def _say_absent(self, failure: Failure, error: Exception) -> None:
        if failure in self._absence:
            return
        self._absence.add(failure)
        if isinstance(error, NoAccess):
            self._log.warning("the Kubernetes API is not asked: %s; looking again until that is so", error)
        else:
            what = "what is known of pods is that of before" if self._has_answered else "nothing is known of pods"
            self._log.warning("the Kubernetes API does not answer (%s): %s; trying again until it does", error, what)
