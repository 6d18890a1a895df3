"""Compiles C to BPF with the distribution's bcc, which is found from any Python.

bcc's Python part is plain ctypes on libbcc, so any interpreter can use the distribution's copy; it is loaded by the
place of its file and never by its name, because the package `bcc` of PyPI is another project. bcc needs kernel headers;
what it really includes is a dozen of them, and a tree of stub headers that exists during a compilation is enough:
layouts come from BTF.
"""

import ctypes
import importlib.util
import os
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf.header_tree import header_tree

T = TypeVar("T")

_PLACES: Final = (
    "/usr/lib/python3/dist-packages",
    "/usr/lib/python3*/site-packages",
    "/usr/lib64/python3*/site-packages",
)
_MODULE: Final = "mozu_distribution_bcc"
_CLONE_FS: Final = 0x200
_lock = threading.Lock()


def find_bcc(places: tuple[str, ...] = _PLACES) -> Path | None:
    """The directory of the distribution's bcc; known by `libbcc.py`, which its namesake does not have."""
    for place in places:
        root = Path(place)
        matches = sorted(Path("/").glob(place[1:]), reverse=True) if "*" in place else [root]
        for match in matches:
            if (match / "bcc" / "libbcc.py").is_file():
                return match / "bcc"
    return None


def load_bcc(places: tuple[str, ...] = _PLACES) -> Any:
    """The module bcc. Raises SourceUnavailable that names the package to install."""
    if _MODULE in sys.modules:
        return sys.modules[_MODULE]
    place = find_bcc(places)
    if place is None:
        raise SourceUnavailable(
            "source ebpf: bcc is not installed; install python3-bpfcc (Debian, Ubuntu), python3-bcc (Fedora, RHEL), "
            "py3-bcc (Alpine) or python-bcc (Arch); the package bcc of PyPI is another project"
        )
    inside = [str(place)]
    spec = importlib.util.spec_from_file_location(_MODULE, place / "__init__.py", submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise SourceUnavailable(f"source ebpf: {place} is no Python package; reinstall the distribution's bcc")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # since Python 3.12, of escapes in older bcc
            spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        del sys.modules[_MODULE]
        text = f"source ebpf: bcc in {place} does not load ({error}); reinstall its package"
        raise SourceUnavailable(text) from error
    return module


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
struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
"""
_SEE_TYPES: Final = "#include <linux/types.h>\n"
HEADERS: Final = {
    "include/linux/types.h": _TYPES,
    "include/linux/kconfig.h": "#define CONFIG_BPF_SYSCALL 1\n#define CONFIG_X86_64 1\n#define PAGE_SIZE 4096\n",
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
    "arch/x86/include/asm/page.h": _SEE_TYPES,
}
"""What bcc's own prologue includes; no kernel layout is in here."""


def compile_text(text: str, include: Path, generated: str = "") -> Any:
    """A bcc module. `generated` is what `#include <mozu/generated.h>` stands for.

    bcc makes programs of functions in its main text only, and rewrites pointer accesses there. Raises SourceUnavailable
    where the compiler refuses the text.
    """
    bcc = load_bcc()
    with _lock, header_tree({**HEADERS, "include/mozu/generated.h": generated}) as tree:
        before = os.environ.get("BCC_KERNEL_SOURCE")
        os.environ["BCC_KERNEL_SOURCE"] = str(tree)
        try:
            return with_own_directory(lambda: bcc.BPF(text=text.encode(), cflags=[f"-I{include.absolute()}"]))
        except Exception as error:
            raise SourceUnavailable(
                f"source ebpf: the kernel programs do not compile ({error}); the compiler's messages are on stderr"
            ) from error
        finally:
            if before is None:
                del os.environ["BCC_KERNEL_SOURCE"]
            else:
                os.environ["BCC_KERNEL_SOURCE"] = before


def with_own_directory(make: Callable[[], T]) -> T:
    """What `make` gives on a thread that has a working directory of its own (unshare(CLONE_FS)).

    libbcc changes the directory while it compiles (DirStack in clang/loader.cc), for all threads that share it. Where a
    seccomp filter forbids the call, that is the whole process; paths in settings are absolute in any case.
    """
    with ThreadPoolExecutor(1, "mozu-compile", _unshare_directory) as thread:
        return thread.submit(make).result()


def _unshare_directory() -> None:
    ctypes.CDLL(None).unshare(_CLONE_FS)
