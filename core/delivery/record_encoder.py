"""Records of alerts for one sink: stamped, and encoded in the sink's format."""

from mozu.core.api import Record, Sink
from mozu.core.api.extensions import Encoder
from mozu.core.delivery.alert_queue import AlertQueue
from mozu.core.delivery.plain import plain_alert
from mozu.core.errors import CannotEncode
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Alert, Stamp


class RecordEncoder:
    """Encoder of stamped records. `agent` is the host's name in stamps; `queue` numbers the alerts."""

    def __init__(self, encoder: Encoder, agent: str, queue: AlertQueue) -> None:
        self.encoder = encoder
        """Encoder of the sink's format; a reload may replace it."""
        self._agent, self._queue = agent, queue

    def record(self, sink: Isolated[Sink], number: int, alert: Alert) -> Record:
        """Return the record of an alert, with its values replaced if it cannot be encoded. Raises the encoder's error
        if that fails, too."""
        try:
            return self._stamped(sink.name, number, alert)
        except Exception as error:  # noqa: BLE001  what one alert contains stops no other
            if not isinstance(error, CannotEncode):  # which its format is blamed for
                sink.failed("encode an alert", error)
            return self._stamped(sink.name, number, plain_alert(alert, error))

    def _stamped(self, sink: str, number: int, alert: Alert) -> Record:
        stamp = Stamp(self._agent, sink, self._queue.epoch, number)
        return Record(alert, self.encoder.encode(alert, stamp), stamp)
