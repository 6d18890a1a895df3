"""mozu's own recordings: events as a source gave them, with all that is needed to judge them again.

    lines        what a line of the format is
    encode       events → lines                     decode     lines → events
    section      a stretch that can be read by itself: state, names, events
    names        what enrichers knew of the users and containers of these events
    recorder     one source's events, cut into chunks
    writer       files: a thread that compresses, rotates, counts
    whole        everything, in parts of bounded size
    capture      the last seconds, kept in memory until an alert asks for them

The format is documented in docs/recordings.md. A recorder never waits for the disk: what the writer cannot take is
lost, counted, and marked in the file.
"""

from mozu.core.recording.capture import CapturePlan, Captures
from mozu.core.recording.names import EnrichedNames, RecordedNames
from mozu.core.recording.recorder import Recorder, RecordingOutput
from mozu.core.recording.section import RecordingInfo
from mozu.core.recording.whole import FullRecording
from mozu.core.recording.writer import RecordingFiles, RecordingWriter

__all__ = [
    "CapturePlan",
    "Captures",
    "EnrichedNames",
    "FullRecording",
    "RecordedNames",
    "Recorder",
    "RecordingFiles",
    "RecordingInfo",
    "RecordingOutput",
    "RecordingWriter",
]
