"""Responders that act on an alert: those named by its rule (`mozu: {respond: …}`), and those that name its rule or one
of its tags."""

from collections.abc import Iterable, Sequence

import msgspec

from mozu.core.api.responders import Responder, ResponderSettings
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Alert


class ActiveResponder(msgspec.Struct, frozen=True):
    """A responder with the core's settings for it."""

    isolated: Isolated[Responder]
    settings: ResponderSettings

    @property
    def name(self) -> str:
        """The id of the instance."""
        return self.isolated.name

    def acts_on(self, alert: Alert) -> bool:
        """Return True if the responder is to act on this alert."""
        if alert.shadow:
            return False
        settings = self.settings
        if self.name in alert.respond or alert.rule in settings.rules:
            return True
        return alert.source != "internal" and ("*" in settings.rules or not set(settings.tags).isdisjoint(alert.tags))


def chosen(responders: Iterable[ActiveResponder], alert: Alert) -> Sequence[ActiveResponder]:
    """Return the responders that act on the alert, in the order of the configuration."""
    return [one for one in responders if one.acts_on(alert)]


def unknown(responders: Iterable[ActiveResponder], alert: Alert) -> Sequence[str]:
    """Return the names of responders in the rule that are not configured."""
    known = {one.name for one in responders}
    return [name for name in alert.respond if name not in known]
