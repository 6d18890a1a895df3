"""Sink failure: the reason why a sink does not take alerts that are retried."""


class SinkFailure:
    """The state of one sink worker's deliveries; as a text the reason, empty while the sink takes alerts."""

    def __init__(self) -> None:
        self._lasts = False
        self.reason = ""
        """The sink's own sentence (`Retry.reason`); empty if it gave none, or the last delivery raised."""

    def __str__(self) -> str:
        return (self.reason or "the last delivery has failed, and is repeated") if self._lasts else ""

    def begin(self, *, raised: bool) -> None:
        """Note that an attempt has left alerts to be retried; `raised`: the delivery raised, and gave no reason."""
        self._lasts = True
        if raised:
            self.reason = ""

    def end(self) -> None:
        """Note that no alert is left to be retried."""
        self._lasts, self.reason = False, ""
