"""A private BPF file system at /sys/fs/bpf, in a mount namespace that a process holds."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.support.requirements import program, require

_MOUNT = "mount -t bpf bpf /sys/fs/bpf && echo mounted && exec cat"


@contextmanager
def private_bpf_fs() -> Iterator[Sequence[str]]:
    """Yield the words to put before a command that is to run in the namespace. Pinned objects end with the
    namespace."""
    command = [program("unshare"), "--mount", "--propagation", "private", "sh", "-c", _MOUNT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            require(holder.stdout.readline() == "mounted\n", "no BPF file system can be mounted here")
            yield [program("nsenter"), "--target", str(holder.pid), "--mount", "--"]
        finally:
            holder.stdin.close()
