"""Settings of recordings: `record` (everything) and `capture` (around alerts)."""

from pathlib import Path
from typing import Final, Literal

from pydantic import ByteSize, Field

from mozu.core.api import Settings
from mozu.core.runtime.config.delivery import STATE_DIR

CAPTURES: Final = "captures/mozu"
"""The prefix of captures, below `state_dir`."""


class RecordSettings(Settings):
    """A recording of everything."""

    file: Path | None = Field(
        None,
        description="Record every event into this file (.jsonl.gz) and its further parts; by default none.",
    )
    events: Literal["demanded", "all"] = Field(
        "demanded",
        description="`demanded`: every event of the types that some rule can want; `all`: every event that the sources "
        "have.",
    )
    size: ByteSize = Field(
        ByteSize(0), ge=0, description="Compressed bytes after which the next part begins; 0: no limit."
    )
    seconds: float = Field(0.0, ge=0, description="Age at which the next part begins; 0: no limit.")
    keep: int = Field(0, ge=0, description="The most parts that are kept, the oldest are deleted; 0: all stay.")

    def file_of(self, source: str, sources: int) -> Path | None:
        """Return the file for the events of a source, given the number of sources; None if nothing is recorded."""
        if self.file is None or sources < 2:
            return self.file
        stem, dot, rest = self.file.name.partition(".")
        return self.file.with_name(f"{stem}-{source}{dot}{rest}")


class CaptureSettings(Settings):
    """Recordings around alerts."""

    enabled: bool = Field(False, description="Whether alerts start recordings.")
    mode: Literal["rules", "all_rules"] = Field(
        "rules", description="`rules`: only rules with `capture: true` do; `all_rules`: every alert about an event."
    )
    path_prefix: Path = Field(
        STATE_DIR / CAPTURES,
        description="The file is PREFIX_TIME_NUMBER.jsonl.gz: the alert's time (ns) and its event's number; by default "
        "captures/mozu below `state_dir`.",
    )
    before: float = Field(5.0, ge=0, le=3600, description="Seconds kept in memory, which a capture begins with.")
    default_duration: int = Field(
        5000, ge=1, description="Milliseconds recorded after an alert whose rule has no `capture_duration`."
    )
    memory: ByteSize = Field(
        ByteSize(32 << 20), ge=1 << 20, description="The most memory kept for that look back, about."
    )
    max_file_size: ByteSize = Field(
        ByteSize(0), ge=0, description="Compressed bytes at which a capture ends; 0: no limit."
    )

    def below(self, state_dir: Path) -> "CaptureSettings":
        """Return the settings with the default prefix, unless the prefix is set."""
        is_set = "path_prefix" in self.model_fields_set or state_dir == STATE_DIR
        return self if is_set else self.model_copy(update={"path_prefix": state_dir / CAPTURES})
