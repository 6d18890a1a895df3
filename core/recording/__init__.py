"""Recordings of mozu itself: events as a source emitted them, with all data needed to evaluate them again (replay).

    lines            the JSON lines of the format
    encode, decode   events to lines and back
    section          a part that can be read on its own: state, names, events
    enriched_names   names that enrichers knew of the users and containers of these events
    plugin_values    values that third parties' enrichers returned
    recorder         the stage of the pipeline: the events of one source, cut into chunks
    writer           files: a thread that compresses, rotates, counts
    full             every event, in parts of bounded size (`record`)
    capture          a ring of the last seconds in memory, written when an alert requests it (`capture`)

The format is documented in docs/operate/recordings.md. A recorder never waits for the disk: events that the writer
cannot take are lost, counted, and marked in the file.
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
