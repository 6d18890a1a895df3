"""Writes numbered alerts through the sink `file`, and prints the numbers of those that are acknowledged.

    python -m tests.support.file_writer SETTINGS_AS_JSON FIRST COUNT BATCH
"""

import json
import sys

from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.file import FileSettings, FileSink


def main(settings: str, first: int, count: int, batch: int) -> None:
    """Deliver batches in order; report each once it is acknowledged."""
    sink = FileSink(FileSettings(**json.loads(settings)), context("file"))
    for start in range(first, first + count, batch):
        numbers = range(start, start + batch)
        sink.deliver(records(*(alert(str(number), "x" * 300) for number in numbers)))
        print(*numbers, sep="\n", flush=True)
    sink.stop()


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))
