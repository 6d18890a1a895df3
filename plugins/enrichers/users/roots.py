"""The root directory of a container, reached by one of its processes."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from mozu.core.model.event import as_bytes


@contextmanager
def of_directory(path: str) -> Iterator[int]:
    """Yield an O_PATH descriptor of a directory. Raises OSError."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def of_container(full_id: str, pids: Iterable[int]) -> Iterator[int]:
    """Yield a container's root directory (O_PATH): /proc/PID/root of the first living process in it.

    /proc/PID is held open meanwhile, so that a reused pid cannot be mistaken for the process. Raises ProcessLookupError
    if none lives, PermissionError if none may be followed (that takes CAP_SYS_PTRACE).
    """
    refused: OSError = ProcessLookupError(f"no process of container {full_id[:12]} is left")
    for pid in pids:
        try:
            with of_directory(f"/proc/{pid}") as process:
                if not _is_in(process, full_id):
                    continue
                root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
        except PermissionError as error:
            refused = error
            continue
        except OSError:
            continue
        try:
            yield root
        finally:
            os.close(root)
        return
    raise refused


def _is_in(process: int, full_id: str) -> bool:
    with suppress(OSError), open(os.open("cgroup", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process), "rb") as file:
        return as_bytes(full_id) in file.read(1 << 16)
    return False
