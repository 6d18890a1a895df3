"""Settings of the host name resolver: how often and how long names in rules are looked up (getaddrinfo)."""

from pydantic import Field

from mozu.core.api import Settings


class ResolveSettings(Settings):
    """Addresses of the names that rules compare with (`fd.sip.name`)."""

    enabled: bool = Field(True, description="False: names in rules are not looked up, so no address has a name.")
    refresh: float = Field(60.0, ge=1, description="Seconds after which every name is looked up again.")
    timeout: float = Field(5.0, gt=0, description="Seconds without an answer after which a look-up counts as failed.")
    wait: float = Field(
        2.0, ge=0, le=30, description="The most seconds that a start or a reload waits for first answers."
    )
    at_once: int = Field(8, ge=1, le=64, description="The most look-ups at the same time.")
