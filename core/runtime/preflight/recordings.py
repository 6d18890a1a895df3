"""Check if the files of `record` and `capture` could be created."""

from collections.abc import Iterator, Sequence

from mozu.core.api import Obstacle
from mozu.core.common.file_access import why_not_made
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings


def recording_obstacles(
    record: RecordSettings, capture: CaptureSettings, sources: Sequence[str]
) -> Iterator[tuple[str, Obstacle]]:
    """Yield (setting, why nothing could be written there). No file is ever overwritten, so the folder decides."""
    for source in sources if record.file is not None else ():
        file = record.file_of(source, len(sources))
        if file is not None and (reason := why_not_made(file)) is not None:
            yield "record.file", Obstacle(reason, refuses=True)
    if capture.enabled and (reason := why_not_made(capture.path_prefix)) is not None:
        yield "capture.path_prefix", Obstacle(reason, refuses=True)
