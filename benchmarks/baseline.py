"""The baseline: programs that do nothing, attached as mozu attaches its own; the least that watching can cost.

    python -m benchmarks.live --other "python -m benchmarks.baseline" --other-ready attached

A call's own exit tracepoint is the cheapest place to watch it from, and as soon as one is in use the kernel takes its
slower exit path for every system call. What that alone costs on a machine is this program's row; the rest is mozu's.
"""

import signal
from pathlib import Path

from mozu.plugins.sources.ebpf.compiler import compile_text

CALLS = ("open", "openat", "openat2", "creat", "connect", "execve", "execveat", "chdir", "fchdir", "setuid")


def main() -> None:
    """Attach, say so, wait for SIGTERM."""
    module = compile_text("int nothing(void *context) { return 0; }", Path.cwd())
    for call in CALLS:
        module.attach_tracepoint(tp=f"syscalls:sys_exit_{call}".encode(), fn_name=b"nothing")
    print(f"attached to {len(CALLS)} calls", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
