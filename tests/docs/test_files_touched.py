"""Every place that touches a file by its path, and the reason why no file of another process can hold the event loop
there.

A path of another process (`/proc/PID/exe`, a file below its root, a directory of its user) may lie on a file system
that does not answer. Such a path is looked at by `unsynced_stat`, or on a thread with a deadline; links are read
anywhere. Commands (`core/cli`, `core/testing`, `core/rule_tests`) are left out, since they have no events to wait
for.
"""

import ast
from collections import Counter
from pathlib import Path
from typing import Final

from tests.support.requirements import ROOT

REASONS: Final = {
    "kernel": "the kernel answers itself: files of /proc, /sys, cgroups, tracefs, bpffs, nsfs; files of processes by "
    "unsynced_stat",
    "own": "the path is the operator's or mozu's own, looked at when a run starts, reloads, writes or ends",
    "package": "a file of mozu's package",
    "pool": "on a thread of a pool or of the component, for which nothing waits beyond a deadline",
    "runtime": "a directory below /run that a container runtime of root makes",
    "tracer": "on the thread of the tracer, which stops the processes that it looks at, and those alone wait for it",
    "command": "in a command, or in a process of its own",
}
TABLE: Final = ROOT / "tests/data/files_touched.tsv"
_LEFT_OUT: Final = ("core/cli", "core/testing", "core/rule_tests")
_OS: Final = frozenset({
    "access", "listdir", "lstat", "mkdir", "open", "rename", "replace", "scandir", "stat", "statvfs", "unlink", "walk",
})  # fmt: skip
_OS_PATH: Final = frozenset({
    "exists", "getmtime", "getsize", "isdir", "isfile", "islink", "ismount", "lexists", "realpath", "samefile",
})  # fmt: skip
_METHODS: Final = frozenset({
    "exists", "glob", "is_dir", "is_fifo", "is_file", "is_socket", "is_symlink", "iterdir", "lstat", "mkdir", "owner",
    "read_bytes", "read_text", "rglob", "samefile", "stat", "statvfs", "touch", "unlink", "write_bytes", "write_text",
})  # fmt: skip
"""Methods of a Path. Other classes have methods named `open` and `resolve`, which are distinguished by their
arguments."""


def touches(call: ast.Call) -> bool:
    """Return True if the call opens, stats or lists the target of a path."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "open"
    if not isinstance(function, ast.Attribute):
        return False
    owner = ast.unparse(function.value)
    if owner in ("os", "os.path"):
        return function.attr in (_OS if owner == "os" else _OS_PATH)
    if function.attr == "open":
        return bool(call.args) and isinstance(call.args[0], ast.Constant)
    return function.attr in _METHODS or (function.attr == "resolve" and not call.args)


def calls_in(text: str) -> int:
    return sum(isinstance(node, ast.Call) and touches(node) for node in ast.walk(ast.parse(text)))


def found() -> Counter[str]:
    """Return the count of such calls by module."""
    counts: Counter[str] = Counter()
    for top in ("core", "plugins"):
        for path in (ROOT / top).rglob("*.py"):
            module = path.relative_to(ROOT)
            if not module.is_relative_to("core") or str(Path(*module.parts[:2])) not in _LEFT_OUT:
                counts[str(module)] = calls_in(path.read_text())
    return +counts


def test_every_place_that_touches_a_file_says_why_it_may() -> None:
    """Every place that was added or removed changes a line of the table, with its reason."""
    lines = [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    assert {reason for _, _, reason in lines} == REASONS.keys()
    assert {module: int(count) for module, count, _ in lines} == found()
    assert [module for module, *_ in lines] == sorted(module for module, *_ in lines)


def test_the_walk_sees_each_kind_of_call() -> None:
    text = """
os.stat(a); os.path.isdir(a); open(a); Path(a).read_text(); path.open("rb"); path.resolve(); (a / b).exists()
os.readlink(a); os.close(a); queue.open(); fields.resolve(name); text.replace(a, b); unsynced_stat(a)
"""
    assert 7 == calls_in(text)
