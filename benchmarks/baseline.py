"""The baseline: programs that do nothing, attached as mozu attaches its own; the least that watching can cost.

    python -m benchmarks.live --other "python -m benchmarks.baseline" --other-ready attached

A call's own exit tracepoint is the cheapest place to watch it from, and as soon as one is in use the kernel takes its
slower exit path for every system call. What that alone costs on a machine is this program's row; the rest is mozu's.
"""

import signal
from pathlib import Path

from mozu.plugins.sources.ebpf import bpf_syscall, checks
from mozu.plugins.sources.ebpf.objects import compiler

CALLS = ("open", "openat", "openat2", "creat", "connect", "execve", "execveat", "chdir", "fchdir", "setuid")


def main() -> None:
    """Attach, say so, wait for SIGTERM."""
    code = compiler.compile_text("int nothing(void *context) { return 0; }", Path.cwd(), ["nothing"])
    program = bpf_syscall.load(bpf_syscall.TRACEPOINT, "nothing", code["nothing"])
    for call in CALLS:
        point = checks.tracepoint_id(checks.tracefs(), f"sys_exit_{call}")
        assert point is not None, f"this kernel has no tracepoint of {call}"
        bpf_syscall.attach_tracepoint(program, point)
    print(f"attached to {len(CALLS)} calls", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
