"""Choice of the tests that may notice a mutation of a file."""

from pathlib import Path
from typing import Final

FURTHER: Final = {
    "core/state": ("tests/core/flow/test_verdict_memory.py",),
    "core/flow": ("tests/core/runtime/engine",),
    "core/delivery": ("tests/core/runtime/engine",),
    "core/filter": ("tests/core/language/conditions", "tests/plugins/sources/test_ebpf_kernel_filter_choice.py"),
}
"""Folder → further tests of it, beside those in the mirroring folder of tests/."""
PART: Final = {
    "plugins/sources/ebpf/kernel_filter": ("test_ebpf_*filter*.py", "test_ebpf_exact_match.py"),
}
"""Part of a plugin → the plugin's tests of that part."""

KERNEL: Final = "tests/plugins/sources"
"""Folder of the live tests of programs below bpf/."""
_SCENES: Final = "tests/bpf/test_program_scenes.py"
IN_USER_SPACE: Final = {
    "accounts": ("tests/bpf/test_accounts_scenes.py", "tests/bpf/test_accounts.py", "tests/bpf/test_record.py"),
    "cgroups": ("tests/bpf/test_cgroups.py", "tests/bpf/test_task.py"),
    "descriptor": ("tests/bpf/test_descriptor.py",),
    "file": ("tests/bpf/test_file.py", "tests/bpf/test_descriptor.py", "tests/bpf/test_task.py"),
    "kernel_deny": ("tests/bpf/test_kernel_deny.py",),
    "kernel_filter": ("tests/bpf/test_kernel_filter.py", "tests/bpf/test_process_verdicts.py"),
    "kernel_kill": ("tests/bpf/test_kernel_kill.py", "tests/bpf/test_kernel_kill_sharers.py"),
    "open_args": ("tests/bpf/test_open_args.py",),
    "opened_path": ("tests/bpf/test_kernel_filter.py", "tests/bpf/test_verdict_memory.py"),
    "path": ("tests/bpf/test_path.py", "tests/bpf/test_kernel_filter.py"),
    "process_verdicts": ("tests/bpf/test_process_verdicts.py",),
    "record": ("tests/bpf/test_record.py", "tests/bpf/test_path.py"),
    "sock": ("tests/bpf/test_sock.py", "tests/bpf/test_descriptor.py", "tests/bpf/test_kernel_kill.py"),
    "sock_info": ("tests/bpf/test_sock_info.py",),
    "syscall_ctx": ("tests/bpf/test_syscall_ctx.py", "tests/bpf/test_record.py", "tests/bpf/test_descriptor.py"),
    "task": ("tests/bpf/test_task.py",),
    "uring": ("tests/bpf/test_uring.py",),
    "verdict_memory": ("tests/bpf/test_verdict_memory.py",),
    **dict.fromkeys(("iovec", "msghdr"), (_SCENES,)),
    **dict.fromkeys(("cgroup_move", "reaper", "standard_descriptors"), ("tests/bpf/test_lifecycle.py",)),
    **dict.fromkeys(("programs/exec", "programs/lifecycle"), ("tests/bpf/test_lifecycle.py", _SCENES)),
    **{
        f"programs/{name}": (f"{_SCENES}::test_records_of_drawn_calls[{name}_exit]",)
        for name in (
            *("accept", "cwd", "descriptor", "identity", "mapping", "memory", "message", "mmsg"),
            *("number", "open", "pair", "path", "transfer"),
        )
    },
    "programs/session": (f"{_SCENES}::test_records_of_drawn_calls",),
}
"""C file below bpf/, without its ending → tests that compile it for user space; no others are run."""


def is_compiled_for_user_space(file: str) -> bool:
    """Return True if the tests of a C file need no kernel."""
    return _place(file) in IN_USER_SPACE


def _place(file: str) -> str:
    return str(Path(file).relative_to("bpf").with_suffix(""))


def of_c(root: Path, file: str) -> list[str]:
    """Return the tests of a C file in user space, else its live tests; all tests of the kernel programs if it has
    none."""
    stem = Path(file).stem
    if is_compiled_for_user_space(file):
        return [*IN_USER_SPACE[_place(file)]]
    own = [str(one.relative_to(root)) for one in sorted((root / KERNEL).glob(f"test_ebpf_{stem}*.py"))]
    every = ["tests/bpf", *(str(one.relative_to(root)) for one in sorted((root / KERNEL).glob("test_ebpf_*.py")))]
    return own or every


def named(root: Path, file: str) -> list[str]:
    """Return the test files that are named after the file."""
    folder = mirror(root, file)
    return sorted(str(one.relative_to(root)) for one in (root / folder).glob(f"test_{Path(file).stem}*.py"))


def mirror(root: Path, file: str) -> str:
    """Return the folder of the file's tests."""
    return str(next(place for one in Path(file).parents if (place := Path("tests") / one) and (root / place).is_dir()))


def places(root: Path, file: str) -> list[str]:
    """Return all tests that are run: the folder of the file's tests, or those of its plugin in the folder, and others
    that depend on the file."""
    folder = mirror(root, file)
    own = [folder]
    if folder.startswith("tests/plugins/"):
        plugin = Path(file).relative_to(Path(folder).relative_to("tests")).parts[0].removesuffix(".py")
        patterns = next(
            (found for place, found in PART.items() if Path(file).is_relative_to(place)), (f"test_{plugin}*.py",)
        )
        own = sorted(str(one.relative_to(root)) for pattern in patterns for one in (root / folder).glob(pattern))
    others = [more for place, found in FURTHER.items() if Path(file).is_relative_to(place) for more in found]
    return [*own, *others]
