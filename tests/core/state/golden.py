"""The fields that histories show and their changes of the state, event by event.

python -m tests.core.state.golden    writes tests/data/states/ again, after an intended change
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.plugins.sources.replay.settings import ReplaySettings
from mozu.plugins.sources.replay.source import ReplaySource
from tests.core.state.families import Family, families
from tests.core.state.invented import History, histories
from tests.core.state.portrait import Portraits
from tests.core.state.sparse import Sparse, sparse
from tests.oracle.engine import EVERYTHING, _in
from tests.support import golden
from tests.support.requirements import DATA

FOLDER: Final = DATA / "states"
INVENTED: Final = {history.name: history for history in histories(16)}
FAMILIES: Final = {family.name: family for family in families(12)}
SPARSE: Final = {history.name: history for history in sparse()}
CAPTURES: Final = {path.stem: path for path in sorted((DATA / "oracle").glob("*.scap"))}
RECORDINGS: Final = {path.name.partition(".")[0]: path for path in sorted(FOLDER.glob("*.jsonl.gz"))}
"""Recordings by live sources, written by live_recordings.py."""


def invented(history: Family | History | Sparse) -> Iterator[str]:
    """Yield the lines of an invented history."""
    return _lines(history.events(), StateMachine(procfs=None), FieldRegistry(builtin_fields()))


def recorded(path: Path) -> Iterator[str]:
    """Yield the lines of a capture or recording."""
    registry = FieldRegistry(builtin_fields())
    return _lines(_read(path, registry), StateMachine(procfs=None), registry)


def events_of(path: Path) -> list[SyscallEvent]:
    """Return the events of a capture or recording, as its source delivers them."""
    return _read(path, FieldRegistry(builtin_fields()))


def _read(path: Path, registry: FieldRegistry) -> list[SyscallEvent]:
    source = ReplaySource(ReplaySettings(files=[path]), _in(registry))
    for name, make in source.readers().items():
        registry.provide(name, make)
    return asyncio.run(_all_of(source))


async def _all_of(source: ReplaySource) -> list[SyscallEvent]:
    await source.start(EVERYTHING)
    return [event async for batch in source.batches() for event in batch if isinstance(event, SyscallEvent)]


def _lines(events: Iterable[SyscallEvent], machine: StateMachine, registry: FieldRegistry) -> Iterator[str]:
    portraits = Portraits(machine, registry)
    for event in events:
        for shown in machine.apply([event]):
            yield f"# {shown.num} {shown.type} of {shown.tid}"
            for name, value in portraits.of(shown).items():
                yield golden.line(name, value)


FILES: Final[Mapping[str, tuple[Callable[[Any], Iterator[str]], Mapping[str, Any]]]] = {
    "invented": (invented, INVENTED),
    "families": (invented, FAMILIES),
    "sparse": (invented, SPARSE),
    "captures": (recorded, CAPTURES),
    "recordings": (recorded, RECORDINGS),
}
"""File → its printing function, and its histories."""


def difference(file: str, name: str) -> str:
    """Return the first difference between a history as printed before and as printed now; empty if none."""
    tell, histories = FILES[file]
    return golden.first_difference(golden.kept(FOLDER / f"{file}.txt.xz")[name], tell(histories[name]))


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    for file, (tell, found) in FILES.items():
        golden.write(FOLDER / f"{file}.txt.xz", {name: tell(history) for name, history in found.items()})
