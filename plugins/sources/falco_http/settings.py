"""Settings of the source `falco_http`."""

from typing import ClassVar

from pydantic import Field

from mozu.core.common.http.receiver_settings import ReceiverSettings


class FalcoHttpSettings(ReceiverSettings):
    """Settings of the source `falco_http`."""

    NOUN: ClassVar[str] = "alerts"
    PORT_HINT: ClassVar[str] = " (falcosidekick has the same one)"

    listen: str = Field("127.0.0.1:2801", description="Address and port; an IPv6 address stands in brackets.")
    max_pending_alerts: int = Field(
        10_000, ge=1, description="The most alerts that wait to be safe; beyond it clients get 503 with Retry-After."
    )
