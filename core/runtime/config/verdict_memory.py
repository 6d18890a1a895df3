"""Settings of the verdict memory: calls that are recognised when they come again."""

from pydantic import ByteSize, Field

from mozu.core.api import Settings


class VerdictMemorySettings(Settings):
    """Whether verdicts on calls that no rule matches are remembered, so that equal calls are not judged again."""

    enabled: bool = Field(True, description="False: every call is judged.")
    size: ByteSize = Field(
        ByteSize(16 << 20), ge=1 << 16, description="The most memory, roughly, that the verdicts of one source take."
    )

    def bound(self) -> int:
        """Bytes; 0: nothing is remembered."""
        return int(self.size) if self.enabled else 0
