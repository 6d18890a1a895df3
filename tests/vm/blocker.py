"""The sink `blocker`: an alert with the text VM-BLOCK holds the event loop, and Python's lock with it, for ever. No
code of mozu's runs any more, so nothing in mozu can break it off.
"""

from collections.abc import Sequence

from mozu.core.api import Context, Record, Settings, SinkDeclaration, hookimpl


class BlockerSettings(Settings):
    """Settings of the sink: none."""


class Blocker:
    """Sink that blocks mozu when asked to and does nothing else."""

    def __init__(self, settings: BlockerSettings, context: Context) -> None:
        pass

    async def start(self) -> None:
        """Do nothing: there is nothing to prepare."""

    async def deliver(self, records: Sequence[Record]) -> None:
        """Block for ever if a record asks for it."""
        if any(b"VM-BLOCK" in record.body for record in records):
            sum(range(1 << 60))

    async def stop(self) -> None:
        """Do nothing: there is nothing to release."""


@hookimpl
def mozu_components() -> SinkDeclaration[BlockerSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="blocker", build=Blocker, summary="Holds the event loop when it is asked to.", settings=BlockerSettings
    )
