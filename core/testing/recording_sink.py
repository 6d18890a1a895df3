"""A sink that keeps what it is given, for the tests of everything before it."""

from collections.abc import Sequence

from mozu.core.api import Alert, Context, Record, Settings, SinkDeclaration


class RecordingSink:
    """Keeps alerts in the order of their arrival."""

    records: list[Record]
    """As they were delivered."""

    def __init__(self) -> None:
        self.records = []

    @property
    def alerts(self) -> list[Alert]:
        """All of them."""
        return [record.alert for record in self.records]

    async def start(self) -> None:
        """Nothing to prepare."""

    async def deliver(self, records: Sequence[Record]) -> None:
        """Keep them."""
        self.records += records

    async def stop(self) -> None:
        """Nothing is buffered."""

    def declaration(self, name: str) -> SinkDeclaration[Settings]:
        """For a run: every instance that is built is this one."""

        def build(settings: Settings, context: Context) -> RecordingSink:
            return self

        return SinkDeclaration(name=name, build=build, settings=Settings, summary="Keeps alerts for a test.")
