"""Settings of the judged-call cache: calls that are recognised when they come again."""

from pydantic import ByteSize, Field

from mozu.core.api import Settings


class VerdictMemorySettings(Settings):
    """The cache of calls that no rule matches, so that equal calls are not evaluated again."""

    enabled: bool = Field(True, description="False: every call is judged.")
    size: ByteSize = Field(
        ByteSize(16 << 20), ge=1 << 16, description="The most memory, roughly, that the verdicts of one source take."
    )

    def bound(self) -> int:
        """Return the bytes that the cache may use; 0: no call is cached."""
        return int(self.size) if self.enabled else 0
