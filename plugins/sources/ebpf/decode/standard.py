"""Decoder of struct standard: the descriptors 0, 1 and 2 of a new program."""

from typing import Any, Final

from mozu.core.abi.sockets import SocketInfo, socket_file
from mozu.core.model.event import File
from mozu.plugins.sources.ebpf.decode.descriptors import RAW_LENGTH, plain_file
from mozu.plugins.sources.ebpf.decode.reading import FILE, MARKS, path, reader, text

_unpack, STANDARD_SIZE = reader(
    "standard",
    FILE + "endpoints_own endpoints_peer endpoints_local endpoints_remote endpoints_family endpoints_type "
    "endpoints_protocol endpoints_local_port endpoints_remote_port endpoints_state endpoints_local_name "
    "endpoints_remote_name marks path opened_path raw",
)
_ENDPOINTS, _NAMES, _TAIL, _MODE = 5, 15, 17, 3
"""Indices among the values: endpoints of the socket, lengths of their names, the rest; the file's mode."""
_SOCKET: Final = MARKS["SOCKET"]


def standard_files(record: bytes, at: int, count: int, texts_at: int) -> tuple[File | None, ...]:
    """Return the files of `count` structs from `at` on, with strings from `texts_at` on; None for a descriptor that is
    not open."""
    found: list[File | None] = []
    for place in range(at, at + count * STANDARD_SIZE, STANDARD_SIZE):
        values = _unpack(record, place)
        local_n, remote_n, marks, path_n, opened_n, raw_n = values[_NAMES:]
        lengths = local_n, remote_n, path_n, opened_n
        found.append(_file(record, texts_at, values, marks, lengths, raw_n) if values[_MODE] else None)
        texts_at += sum(lengths)
    return tuple(found)


def _file(
    record: bytes, at: int, values: tuple[Any, ...], marks: int, lengths: tuple[int, int, int, int], raw_n: int
) -> File:
    local_n, remote_n, path_n, opened_n = lengths
    middle = at + local_n
    end = middle + remote_n
    if marks & _SOCKET:
        names = text(record, at, middle), text(record, middle, end)
        return socket_file(SocketInfo(*(*values[_ENDPOINTS:_NAMES], *names)))
    where = path(record, end, end + path_n, marks) if path_n else ""
    end += path_n
    opened_path = text(record, end, end + opened_n)
    raw = text(record, end + opened_n - (raw_n & RAW_LENGTH), end + opened_n)
    return plain_file(where, values[:_ENDPOINTS], marks, opened_path, raw, as_file=raw_n > RAW_LENGTH)
