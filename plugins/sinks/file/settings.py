"""Settings of the sink `file`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ByteSize, Field

from mozu.core.api import Settings


class Rotation(Settings):
    """Time of rotation, and number of rotated files to keep."""

    size: ByteSize = Field(
        ByteSize(100 << 20), ge=0, description="Bytes beyond which the file is rotated; 0: never for its size."
    )
    every: Literal["hour", "day"] | None = Field(
        None, description="Also with each new hour or day, in local time; by default only for its size."
    )
    keep: int = Field(10, ge=0, description="How many rotated files are kept; the oldest are deleted first.")
    gzip: bool = Field(False, description="Compress rotated files.")


class FileSettings(Settings):
    """Settings of the sink `file`."""

    path: Path = Field(description="The file; its directory is made if it is missing, for its owner alone.")
    mode: str = Field(
        "0600", pattern=r"^0?[0-7]{3}$", description="Permissions of the file, in octal digits and in quotes."
    )
    fsync: Literal["batch", "never"] | Annotated[float, Field(gt=0)] = Field(
        "batch",
        description="When alerts are forced to the disk: with each batch, never, or at most so many seconds later.",
    )
    rotate: Rotation = Field(Rotation(), description="When the file is rotated.")
