"""mozu's own recordings: events as a source gave them, with all that is needed to evaluate them again (replay).

    lines            the JSON lines of the format
    encode, decode   events to lines and back
    section          a part that can be read by itself: state, names, events
    enriched_names   what enrichers knew of the users and containers of these events
    plugin_values    what third parties' enrichers answered
    recorder         the pipeline's stage: one source's events, cut into chunks
    writer           files: a thread that compresses, rotates, counts
    full             every event, in parts of bounded size (`record`)
    capture          a ring of the last seconds in memory, written when an alert asks for it (`capture`)

The format is documented in docs/recordings.md. A recorder never waits for the disk: what the writer cannot take is
lost, counted, and marked in the file.
"""

from mozu.core.recording.capture import CapturePlan, Captures
from mozu.core.recording.enriched_names import RECORDED_NAMES, EnrichedNames, KeepsRecordedNames, RecordedNames
from mozu.core.recording.full import FullRecording
from mozu.core.recording.plugin_values import PluginValues
from mozu.core.recording.recorder import NoRecorder, Recorder, RecordingOutput, RecordStage
from mozu.core.recording.section import RecordingInfo
from mozu.core.recording.writer import RecordingFiles, RecordingWriter

__all__ = [
    "RECORDED_NAMES",
    "CapturePlan",
    "Captures",
    "EnrichedNames",
    "FullRecording",
    "KeepsRecordedNames",
    "NoRecorder",
    "PluginValues",
    "RecordStage",
    "RecordedNames",
    "Recorder",
    "RecordingFiles",
    "RecordingInfo",
    "RecordingOutput",
    "RecordingWriter",
]
