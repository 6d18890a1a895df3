"""Fields that recordings leave out of an observation: a changed default would change the meaning of existing
recordings.
"""

from typing import Any

import msgspec
import pytest

from mozu.core.state import observed

LEFT_OUT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Forked": (
        {"tid": 2, "pid": 2, "vtid": 2, "vpid": 2},
        {"start": 0, "pidns_start": 0, "ptid": 0, "shares_files": False, "boot_start": 0},
    ),
    "Executed": (
        {},
        {
            **dict.fromkeys(("sid", "pgid", "vpid", "vtid", "ptid", "exe_uid", "exe_mode"), -1),
            **dict.fromkeys(("ruid", "suid", "rgid", "sgid", "start", "stack", "old_tid", "namespaces"), 0),
            "args_truncated": False, "stdio": [], "boot_start": 0, "exe_genuine": None, "script": None,
            "cwd_of_root": False,
        },
    ),
    "Opened": ({}, {"base": None, "realpath": None, "named": False}),
    "Descriptor": ({"file": {"kind": "file"}}, {"as_opened": False}),
    "KnownProcess": (
        {},
        {
            **dict.fromkeys(
                ("ptid", "sid", "pgid", "vpgid", "vtid", "vpid", "loginuid", "exe_uid", "exe_mode", "fdlimit"), -1
            ),
            **dict.fromkeys(("name", "exe", "exepath", "cwd", "root"), ""),
            **dict.fromkeys(("env", "ruid", "suid", "rgid", "sgid", "exe_genuine", "script"), None),
            **dict.fromkeys(("cap_permitted", "cap_effective", "cap_inheritable", "uid", "gid", "tty", "flags"), 0),
            **dict.fromkeys(("exe_ino", "exe_ctime", "exe_mtime", "exe_flags", "start", "pidns_start"), 0),
            **dict.fromkeys(("namespaces", "stack", "vm_size", "vm_rss", "vm_swap", "pfmajor", "pfminor"), 0),
            "args": [], "cgroups": [], "boot_start": 0,
        },
    ),
    "Seeded": ({}, {"addresses": [], "netmasks": [], "boot_time": 0}),
    "Restored": (
        {"live": True, "number": 1},
        {"boot_time": 0, "addresses": [], "netmasks": [], "waiting": {}, "recent_exits": []},
    ),
    "ProcSnapshot": ({"tid": 1}, {"pid": 0, "known": None, "others": 0}),
    "Saved": (
        {"tid": 1, "pid": 1},
        {
            **dict.fromkeys(("parent", "ptid", "vtid", "vpid", "pgid", "vpgid", "sid", "loginuid", "fdlimit"), -1),
            **dict.fromkeys(("exe_uid", "exe_mode"), -1),
            **dict.fromkeys(("reaper", "inverted", "args_truncated", "exited"), False),
            **dict.fromkeys(("files", "env", "container", "exe_genuine", "script"), None),
            **dict.fromkeys(("name", "exe", "exepath"), ""), "cwd": "/", "root": "/",
            **dict.fromkeys(("tty", "uid", "gid", "ruid", "suid", "rgid", "sgid", "others"), 0),
            **dict.fromkeys(("cap_permitted", "cap_effective", "cap_inheritable", "start", "pidns_start"), 0),
            **dict.fromkeys(("exe_ino", "exe_ctime", "exe_mtime", "exe_flags", "exe_age", "exe_novelty"), 0),
            **dict.fromkeys(("namespaces", "stack", "exec_time"), 0),
            **dict.fromkeys(("vm_size", "vm_rss", "vm_swap", "pfmajor", "pfminor"), 0),
            "args": [], "cgroups": [], "boot_start": 0,
        },
    ),
}  # fmt: skip
"""Name of an observation → the fields that a line of a recording must have, and the values meant by absent ones."""


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_a_line_leaves_out_is_what_it_has_always_been(name: str) -> None:
    given, left_out = LEFT_OUT[name]
    kind = getattr(observed, name)
    read = msgspec.convert(given, kind)
    meant = {field: msgspec.to_builtins(getattr(read, field)) for field in kind.__struct_fields__ if field not in given}
    assert left_out == {key: list(value) if isinstance(value, tuple) else value for key, value in meant.items()}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_line_says_no_more_than_it_must(name: str) -> None:
    given, _ = LEFT_OUT[name]
    assert given == msgspec.to_builtins(msgspec.convert(given, getattr(observed, name)))
