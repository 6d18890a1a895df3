"""Alerts that commands read: JSON lines from files or the standard input, and spools of sinks."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import orjson

from mozu.core.cli.spools import opened_spool, spooled_sinks
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.packed_alert import unpack
from mozu.core.errors import MozuError
from mozu.core.model.value_types import Json, JsonObject


def alert_documents(
    files: Iterable[Path], sink: str | None, most: int, path: Path | None, overrides: Sequence[str]
) -> Iterator[JsonObject | None]:
    """Yield alerts in the format `json`, at most so many: those of the files, then those in the spool of a sink; None
    for a line that is no alert.

    `path` and `overrides` say which configuration has the sink. Raises MozuError if a file cannot be read.
    """
    spooled = () if sink is None else _of_spools(sink, most, path, overrides)
    return islice(chain(chain.from_iterable(map(_of_file, files)), spooled), most)


def _of_file(file: Path) -> Iterator[JsonObject | None]:
    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as opened:
            yield from _of_lines(opened)
    except OSError as error:
        raise MozuError(f"{file} cannot be read: {error.strerror}") from error


def _of_lines(lines: BinaryIO) -> Iterator[JsonObject | None]:
    for line in lines:
        if line.strip():
            try:
                document = orjson.loads(line)
            except orjson.JSONDecodeError:
                yield None
                continue
            yield _alert(document)


def _alert(document: Json) -> JsonObject | None:
    if not isinstance(document, dict):
        return None
    if isinstance(inner := document.get("alert"), dict):  # of `mozu spool peek`
        document = inner
    is_alert = isinstance(document.get("rule"), str) and isinstance(document.get("output_fields"), dict)
    return document if is_alert else None


def _of_spools(sink: str, most: int, path: Path | None, overrides: Sequence[str]) -> Iterator[JsonObject]:
    form = FalcoJson()
    for entry in spooled_sinks(path, overrides, sink):
        with opened_spool(entry) as spool:
            yield from (form.document(unpack(packed)) for _, packed in spool.peek(most))
