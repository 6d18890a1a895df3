"""The statistics at the end of a run: on stderr, and in a file if one is wanted."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from mozu.core.common.own_file import write_own
from mozu.core.flow.statistics import as_text

_log = logging.getLogger("mozu.engine")


def report(numbers: Mapping[str, object], file: Path | None) -> bool:
    """Print the statistics, with a line for each event type if the log has the level debug, and write them to the file.
    Return False if it cannot be written."""
    print(as_text(numbers, all_types=_log.isEnabledFor(logging.DEBUG)), file=sys.stderr)
    try:
        if file is not None:
            write_own(file, orjson.dumps(numbers, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        _log.error("the statistics cannot be written to %s: %s", file, error.strerror)
        return False
    return True
