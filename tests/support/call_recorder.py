"""Run mozu and record which functions are called, in order: `python tests/support/call_recorder.py FILE ARGUMENT…`.

SIGRTMIN+1 begins the record, SIGRTMIN+2 writes FILE: a JSON list of [file below the package, qualified name].
"""

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Final

_PACKAGE: Final = "/mozu/"
_calls: list[tuple[str, str]] = []
_records: list[bool] = []


def _profile(frame: FrameType, event: str, argument: Any) -> None:
    if _records and event == "call":
        code = frame.f_code
        _, found, path = code.co_filename.rpartition(_PACKAGE)
        if found:
            _calls.append((path, code.co_qualname))


def _begin(number: int, frame: FrameType | None) -> None:
    _records.append(True)


def _write(number: int, frame: FrameType | None) -> None:
    _records.clear()
    part = Path(f"{sys.argv[1]}.part")
    part.write_text(json.dumps(_calls))
    part.replace(sys.argv[1])


if __name__ == "__main__":
    threading.setprofile(_profile)
    sys.setprofile(_profile)
    signal.signal(signal.SIGRTMIN + 1, _begin)
    signal.signal(signal.SIGRTMIN + 2, _write)
    from mozu.core.cli import invoke

    sys.exit(invoke(sys.argv[2:]))
