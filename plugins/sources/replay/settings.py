"""Settings of the source `replay`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from mozu.core.api import Settings


class ReplaySettings(Settings):
    """Settings of the source `replay`."""

    files: list[Path] = Field(
        min_length=1, description="Recordings, mozu's own or .scap, plain or gzip, read one after the other."
    )
    speed: Literal["full", "real"] = Field(
        "full", description="`full` reads as fast as the sinks take the alerts, `real` keeps the recording's own pace."
    )
