"""Compilation of C to eBPF with the distribution's libbcc, when objects are built (build.py). Nothing of it runs where
programs are loaded.

bcc searches for the kernel's headers, which few machines have: it gets a dozen stubs without any layout. It changes its
working directory while it compiles and leaves memory behind, so each compilation has a process of its own.


Stub headers for the compiler: a dozen that bcc's own prologue includes.

bcc searches for the kernel's headers, which few machines have. They contain no kernel layout: layouts come from BTF.
"""

import ctypes
import os
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

_PLACES: Final = (
    f"/usr/lib/{os.uname().machine}-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib",
)  # fmt: skip
_LIBRARY: Final = "libbcc.so.0"
_FLAGS: Final = (b"-O1", b"-g0", b"-fno-strict-aliasing", b"-Xclang", b"-disable-llvm-passes")
"""Flags for clang. libbcc optimizes clang's output at its highest level, so clang need neither optimize, nor describe
lines, nor mark accesses of different types."""


class DoesNotCompile(Exception):
    """The compiler refuses a text, or is missing; what it says of the text is on stderr."""


class Compilation(NamedTuple):
    """A text to compile."""

    text: str
    entries: tuple[str, ...]
    """Functions of the text that become programs."""


def find_compiler(places: tuple[str, ...] = _PLACES) -> Path | None:
    """Return the distribution's libbcc; None if it is not installed."""
    return next((library for place in places if (library := Path(place) / _LIBRARY).is_file()), None)


def needed_compiler(places: tuple[str, ...] = _PLACES) -> Path:
    """Return the distribution's libbcc. Raises DoesNotCompile, with the package to install, if there is none."""
    found = find_compiler(places)
    if found is None:
        raise DoesNotCompile(
            f"building kernel programs needs {_LIBRARY}: install libbpfcc (Debian, Ubuntu) or bcc (Fedora, RHEL, "
            "Alpine, Arch)"
        )
    return found


def compiled(sources: Sequence[Compilation], include: Path) -> list[dict[str, bytes]]:
    """Compile the texts on all CPUs; return the instructions of each by entry. Raises DoesNotCompile.

    bcc makes programs only from functions in its main text, and rewrites pointer accesses there.
    """
    library, workers = str(needed_compiler()), min(len(sources), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn"), max_tasks_per_child=1) as pool:
        jobs = [pool.submit(_compile, library, source.text, str(include), source.entries) for source in sources]
        return [job.result() for job in jobs]


def compile_text(text: str, include: Path, entries: Collection[str]) -> dict[str, bytes]:
    """Compile one text; return the instructions by entry. Raises DoesNotCompile."""
    return compiled([Compilation(text, tuple(entries))], include)[0]


def _compile(library: str, text: str, include: str, entries: Collection[str]) -> dict[str, bytes]:
    bcc = _declared(ctypes.CDLL(library))
    given = (*_FLAGS, b"-I" + os.fsencode(os.path.abspath(include)))
    flags = (ctypes.c_char_p * len(given))(*given)
    with tempfile.TemporaryDirectory(prefix="mozu-headers-") as folder:
        for name, content in HEADERS.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        os.environ["BCC_KERNEL_SOURCE"] = folder
        module = bcc.bpf_module_create_c_from_string(text.encode(), 0, flags, len(flags), False, None)
    if not module:
        raise DoesNotCompile("the kernel programs do not compile")
    found = {}
    for entry in entries:
        start = bcc.bpf_function_start(module, entry.encode())
        if not start:
            raise DoesNotCompile(f"the compiler gave no code for {entry}")
        found[entry] = ctypes.string_at(start, bcc.bpf_function_size(module, entry.encode()))
    return found


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


_TYPES: Final = """#pragma once
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef signed char s8; typedef short s16; typedef int s32; typedef long long s64;
typedef u8 __u8; typedef u16 __u16; typedef u32 __u32; typedef u64 __u64;
typedef s8 __s8; typedef s16 __s16; typedef s32 __s32; typedef s64 __s64;
typedef u16 __le16; typedef u32 __le32; typedef u64 __le64; typedef u16 __be16; typedef u32 __be32; typedef u64 __be64;
typedef u16 __sum16; typedef u32 __wsum;
typedef _Bool bool; typedef unsigned long size_t; typedef unsigned long uintptr_t; typedef int pid_t;
#define __aligned_u64 u64 __attribute__((aligned(8)))
enum { false, true };
"""
_SEE_TYPES: Final = "#include <linux/types.h>\n"
HEADERS: Final = {
    "include/linux/types.h": _TYPES,
    "include/linux/kconfig.h": "#define CONFIG_BPF_SYSCALL 1\n#define PAGE_SIZE 4096\n",
    "include/linux/version.h": (
        "#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))\n"
        "#define LINUX_VERSION_CODE KERNEL_VERSION(5, 15, 0)\n"
    ),
    "include/linux/log2.h": _SEE_TYPES,
    "include/linux/bpf_common.h": "\n",
    "include/uapi/linux/bpf.h": "#include <bcc/bpf.h>\n",
    "include/uapi/linux/ptrace.h": _SEE_TYPES,
    "include/uapi/linux/if_ether.h": _SEE_TYPES,
    "include/uapi/linux/if_packet.h": _SEE_TYPES,
    **{f"arch/{folder}/include/asm/page.h": _SEE_TYPES for folder in ("x86", "arm64")},
}
"""Headers that bcc's own prologue includes, by path, without any kernel layout."""
