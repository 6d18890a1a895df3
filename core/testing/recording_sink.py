"""A sink that keeps what it is given, for the tests of everything before it."""

from collections.abc import Sequence

from mozu.core.api import Alert, Context, Record, Settings, SinkDeclaration


class RecordingSink:
    """Keeps alerts in the order of their arrival."""

    records: list[Record]
    """The alerts in the order of their delivery."""

    def __init__(self) -> None:
        self.records = []

    @property
    def alerts(self) -> list[Alert]:
        """Return all alerts."""
        return [record.alert for record in self.records]

    async def start(self) -> None:
        """Prepare nothing."""

    async def deliver(self, records: Sequence[Record]) -> None:
        """Keep them."""
        self.records += records

    async def stop(self) -> None:
        """Do nothing: no alert is buffered."""

    def declaration(self, name: str) -> SinkDeclaration[Settings]:
        """Return a declaration for a run, which builds this instance each time."""

        def build(settings: Settings, context: Context) -> RecordingSink:
            return self

        return SinkDeclaration(name=name, build=build, settings=Settings, summary="Keeps alerts for a test.")
