"""Settings of delivery: queue, spool, retry with back-off, route, dedup and rate limit of alerts."""

from pathlib import Path
from typing import Final, Literal

from pydantic import ByteSize, Field, model_validator

from mozu.core.api import Settings
from mozu.core.delivery.route import ShadowAlerts

Priority = Literal["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"]


STATE_DIR: Final = Path("/var/lib/mozu")
SPOOLS: Final = "spool"
"""Directory of spools below `state_dir`."""


class QueueSettings(Settings):
    """The queue before a sink."""

    bytes: ByteSize = Field(
        ByteSize(64 << 20),
        ge=1 << 20,
        description="The most memory that waiting alerts take, some 300 bytes each; beyond it the least severe are "
        "dropped and counted.",
    )


class SpoolSettings(Settings):
    """Alerts on disk until the destination has them."""

    enabled: bool = Field(True, description="False: none, as if `spool` were not there.")
    path: Path | None = Field(None, description="The file; by default spool/ID.db below `state_dir`.")
    bytes: ByteSize = Field(ByteSize(1 << 30), ge=1 << 16, description="The most that waits in it.")
    when_full: Literal["drop_newest", "drop_oldest"] = Field(
        "drop_newest",
        description="Which alerts go when it is full; they are counted and reported as a range of numbers.",
    )
    backlog: Literal["in_order", "live_first"] = Field(
        "in_order", description="Whether alerts wait their turn behind a backlog, or what has just come goes first."
    )
    fsync: bool = Field(False, description="Survive a loss of power, too, and not only the end of the process.")

    def file(self, sink: str) -> Path:
        """Return the file of this sink's spool."""
        return self.path or STATE_DIR / SPOOLS / f"{sink}.db"

    def below(self, state_dir: Path, sink: str) -> "SpoolSettings":
        """Return the settings with the spool's default file, unless the file is set."""
        is_known = self.path is not None or not self.enabled
        return self if is_known else self.model_copy(update={"path": state_dir / SPOOLS / f"{sink}.db"})

    @model_validator(mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        """Return a mapping for a bool: `spool: true` is `spool: {}`."""
        return {"enabled": value} if isinstance(value, bool) else value


class RetrySettings(Settings):
    """Back-off with full jitter."""

    first: float = Field(0.1, gt=0, le=60, description="Seconds before the first new attempt, at most.")
    longest: float = Field(30.0, gt=0, le=3600, description="Seconds between two attempts, at most.")
    attempts: int = Field(
        10, ge=1, description="How often an alert may fail while others arrive, before it becomes a dead letter."
    )


class RouteSettings(Settings):
    """Which alerts a sink gets; all criteria that are given must hold. mozu's own notices reach every sink."""

    priority: Priority = Field("debug", description="The least severe priority that passes.")
    tags: tuple[str, ...] = Field((), description="Any of these tags.")
    rules: tuple[str, ...] = Field((), description="Any of these rule names; `*` stands for any text.")
    sources: tuple[str, ...] = Field((), description="Any of these event sources (syscall, k8s_audit, …).")
    not_rules: tuple[str, ...] = Field((), description="None of these rule names; `*` stands for any text.")
    shadow: ShadowAlerts = Field(
        "none", description="Whether alerts of rules in shadow mode pass: `none` of them, they `also`, or they `only`."
    )


class AlertLimitSettings(Settings):
    """Dedup and rate limit of alerts; off unless it is given, but for what mozu raises by itself."""

    dedup_seconds: float = Field(
        0.0,
        ge=0,
        description="Within this time alerts of one rule with one message become two: the first, and a count; 0: off.",
    )
    rate: float = Field(0.0, ge=0, description="The most alerts a second of one rule, on average; 0: no limit.")
    burst: int = Field(100, ge=1, description="How many of one rule may come at once before `rate` counts.")
    own_rate: float = Field(
        1.0,
        ge=0,
        description="The most alerts a second, on average, of one of mozu's own rules below Warning, and of its "
        "notices below Error; a notice counts the others each minute. 0: no limit.",
    )
    own_burst: int = Field(100, ge=1, description="How many of these may come at once before `own_rate` counts.")
