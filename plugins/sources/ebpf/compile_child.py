"""The compiler's process: from C to eBPF instructions, so that no other process maps libbcc and LLVM.

    python -I -S compile_child.py LIBRARY INCLUDE MEMORY ENTRY...

It runs in a private directory: it reads `main.c`, finds the stub headers below `.`, and writes the instructions of each
ENTRY to `ENTRY.code`. Messages go to stderr. It imports nothing of mozu: compiler.py starts it by its file. The exit
code is 0, or 1 if the text does not compile. After loading the library, it reads nothing but that directory and
INCLUDE, and writes nothing outside the first, if the kernel has Landlock.
"""

import ctypes
import os
import resource
import struct
import sys

_FLAGS = (b"-O1", b"-g0", b"-fno-strict-aliasing", b"-Xclang", b"-disable-llvm-passes")
"""Flags for clang. libbcc optimizes clang's output at its highest level, so clang need neither optimize, nor describe
lines, nor mark accesses of different types (5 % of the time)."""
_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of linux/prctl.h."""
_KILLED = 9
"""SIGKILL. The modules signal and pathlib are not imported: that takes a hundredth of a second."""
_SET_NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS."""
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""landlock_create_ruleset(2) and the others, which have the same numbers on every machine."""
_BENEATH = 1
"""LANDLOCK_RULE_PATH_BENEATH of linux/landlock.h."""
_ALL, _READ = (1 << 13) - 1, 1 << 2 | 1 << 3
"""Accesses to files: those of Landlock's first version (Linux 5.13); reading of files and directories."""


def main() -> int:
    """Compile within the limits; return the exit code."""
    library, include, memory, *entries = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, _KILLED)
    os.environ["BCC_KERNEL_SOURCE"] = "."
    try:
        bcc = _declared(ctypes.CDLL(library))
    except OSError as error:
        print(f"{library} does not load: {error}", file=sys.stderr)
        return 1
    _confine({".": _ALL, include: _READ})
    given = (*_FLAGS, b"-I" + os.fsencode(include))
    flags = (ctypes.c_char_p * len(given))(*given)
    with open("main.c", "rb") as file:
        text = file.read()
    module = bcc.bpf_module_create_c_from_string(text, 0, flags, len(flags), False, None)
    if not module:
        return 1
    for entry in entries:
        start = bcc.bpf_function_start(module, entry.encode())
        if not start:
            print(f"the compiler gave no code for {entry}", file=sys.stderr)
            return 1
        with open(f"{entry}.code", "wb") as file:
            file.write(ctypes.string_at(start, bcc.bpf_function_size(module, entry.encode())))
    return 0


def _confine(directories: dict[str, int]) -> None:
    """Allow only files beneath these directories from now on; any file if there is no Landlock, or a sandbox refuses
    it.

    libbcc then does not read all of /proc/kallsyms, which takes a tenth of the compiler's time: it searches for the
    helpers of the running kernel, but mozu's text calls them by number.
    """
    libc = ctypes.CDLL(None)
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("=Q", _ALL), ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return
    for directory, accesses in directories.items():
        beneath = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        if libc.syscall(_ADD_RULE, ruleset, _BENEATH, struct.pack("=Qi", accesses, beneath), 0):
            return
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.syscall(_RESTRICT_SELF, ruleset, 0)


def _declared(bcc: ctypes.CDLL) -> ctypes.CDLL:
    """Declare the called functions of bcc's bpf_module.h."""
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
