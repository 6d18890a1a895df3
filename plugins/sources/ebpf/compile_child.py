"""The compiler's process: C in, eBPF instructions out, so that no other process maps libbcc and LLVM.

    python -I -S compile_child.py LIBRARY INCLUDE MEMORY ENTRY...

It runs in a private directory: reads `main.c`, finds the stub headers below `.`, writes the instructions of each ENTRY
to `ENTRY.code`. What it has to say goes to stderr. It imports nothing of mozu: compiler.py starts it by its file. The
exit code is 0, or 1 where the text does not compile.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

_FLAGS = (b"-O1", b"-g0", b"-fno-strict-aliasing", b"-Xclang", b"-disable-llvm-passes")
"""libbcc optimizes what clang gives it, at its highest level: clang need not do so before, nor describe the lines, nor
say which accesses have different types (5 % of the time)."""
_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of linux/prctl.h."""


def main() -> int:
    """Compile, within the limits. The exit code."""
    library, include, memory, *entries = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    os.environ["BCC_KERNEL_SOURCE"] = "."
    try:
        bcc = _declared(ctypes.CDLL(library))
    except OSError as error:
        print(f"{library} does not load: {error}", file=sys.stderr)
        return 1
    given = (*_FLAGS, b"-I" + os.fsencode(include))
    flags = (ctypes.c_char_p * len(given))(*given)
    module = bcc.bpf_module_create_c_from_string(Path("main.c").read_bytes(), 0, flags, len(flags), False, None)
    if not module:
        return 1
    for entry in entries:
        start = bcc.bpf_function_start(module, entry.encode())
        if not start:
            print(f"the compiler gave no code for {entry}", file=sys.stderr)
            return 1
        Path(f"{entry}.code").write_bytes(ctypes.string_at(start, bcc.bpf_function_size(module, entry.encode())))
    return 0


def _declared(bcc: ctypes.CDLL) -> ctypes.CDLL:
    """The functions of bcc's bpf_module.h that are called."""
    text, module = ctypes.c_char_p, ctypes.c_void_p
    create = bcc.bpf_module_create_c_from_string
    create.restype = module
    create.argtypes = [text, ctypes.c_uint, ctypes.POINTER(text), ctypes.c_int, ctypes.c_bool, text]
    bcc.bpf_function_start.restype = ctypes.c_void_p
    bcc.bpf_function_start.argtypes = [module, text]
    bcc.bpf_function_size.restype = ctypes.c_size_t
    bcc.bpf_function_size.argtypes = [module, text]
    return bcc


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the process ends at once: LLVM's destructors would take a tenth of a second
