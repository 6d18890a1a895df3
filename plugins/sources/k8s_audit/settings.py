"""Settings of the source `k8s_audit`."""

from pathlib import Path
from typing import ClassVar, Final, Literal

from pydantic import ByteSize, Field, model_validator

from mozu.core.common.http.receiver_settings import ReceiverSettings

STANDARD_INPUT: Final = "-"


class K8sAuditSettings(ReceiverSettings):
    """Settings of the source `k8s_audit`."""

    NOUN: ClassVar[str] = "audit events"

    listen: str | None = Field(
        None, description="Address and port for the API server's webhook; an IPv6 address stands in brackets."
    )
    files: tuple[Literal["-"] | Path, ...] = Field(
        (), description="Audit logs to follow, a line of JSON for each event, instead of `listen`; `-` alone is the "
        "standard input.",
    )  # fmt: skip
    max_bytes: ByteSize = Field(
        ByteSize(10 << 20), ge=1024, description="The most bytes of a request, unpacked, or of a line."
    )
    rate: float = Field(
        50_000.0, gt=0, description="Events a second that each token may send, ten seconds' worth at once; then 429."
    )
    max_pending_events: int = Field(
        20_000, ge=1, description="The most events that wait to be safe; beyond it clients get 503 with Retry-After."
    )
    remembered_events: int = Field(
        200_000, ge=0, description="The number of events of which at least half are recognised if they come again."
    )

    @model_validator(mode="after")
    def _has_one_input(self) -> "K8sAuditSettings":
        if (self.listen is None) == (not self.files):
            raise ValueError("set either `listen`, for the API server's webhook, or `files`")
        if STANDARD_INPUT in self.files and len(self.files) > 1:
            raise ValueError("files: `-`, the standard input, stands alone; use two sources for both")
        if len(set(self.files)) < len(self.files):
            raise ValueError("files: a file is named twice")
        return self
