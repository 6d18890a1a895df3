"""Parameters that another parameter decodes: socket options, keyctl, quotactl, fsconfig, semctl, signals.

Layouts are those of `linux/quota.h`; numbers those of `asm-generic/socket.h`, `linux/keyctl.h` and `linux/mount.h`.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mozu.core.abi.integers import signed32, signed64
from mozu.core.abi.limits import DATA_MAX
from mozu.core.abi.signals import signal_sender
from mozu.core.abi.spec import ParamReader
from mozu.core.model.event import as_text
from mozu.core.model.syscalls import convert_flags, convert_socket_option, flag_table, quota_command

_SOL_SOCKET: Final = 1
_SO_ERROR, _SO_COOKIE = 4, 57
_TIMEOUTS: Final = frozenset({20, 21, 66, 67})
"""Options SO_RCVTIMEO and SO_SNDTIMEO, old and new."""
_NOT_NUMBERS: Final = frozenset({13, 17, 25, 26, 28, 31, 55, 59, 62})
"""Options of SOL_SOCKET that are no number: SO_LINGER, SO_PEERCRED, SO_BINDTODEVICE, filters, names, lists."""
_SETVAL: Final = 16


def _option(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> int:
    return convert_socket_option(signed32(args[1]), signed32(args[2]))


def _option_value(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> Any:
    """Return the value by the type of the option; bytes if mozu does not know it."""
    raw, level, option = blocks[0], signed32(args[1]), signed32(args[2])
    if level == _SOL_SOCKET and option == _SO_ERROR and len(raw) >= 4:
        return "errno", -int.from_bytes(raw[:4], "little", signed=True)
    if level == _SOL_SOCKET and option in _TIMEOUTS and len(raw) >= 8:
        seconds, microseconds = struct.unpack_from("<qq" if len(raw) >= 16 else "<ii", raw)
        return "reltime", seconds * 1_000_000_000 + microseconds * 1_000
    if level == _SOL_SOCKET and option == _SO_COOKIE and len(raw) >= 8:
        return "uint64", int.from_bytes(raw[:8], "little")
    if level == _SOL_SOCKET and option not in _NOT_NUMBERS and len(raw) >= 4:
        return "uint32", int.from_bytes(raw[:4], "little")
    return "bytes", raw[:DATA_MAX]


_KEYCTL_ARGS: Final[Mapping[str, str]] = {
    "GET_KEYRING_ID": "nn", "JOIN_SESSION_KEYRING": "t", "UPDATE": "nnn", "REVOKE": "n", "CHOWN": "nnn",
    "SETPERM": "nn", "DESCRIBE": "nnn", "CLEAR": "n", "LINK": "nn", "UNLINK": "nn", "SEARCH": "nttn", "READ": "nnn",
    "INSTANTIATE": "nnnn", "NEGATE": "nnn", "SET_REQKEY_KEYRING": "n", "SET_TIMEOUT": "nn", "ASSUME_AUTHORITY": "n",
    "GET_SECURITY": "nnn", "SESSION_TO_PARENT": "", "REJECT": "nnnn", "INSTANTIATE_IOV": "nnnn", "INVALIDATE": "n",
    "GET_PERSISTENT": "nn", "DH_COMPUTE": "nnnn", "PKEY_QUERY": "nnt", "PKEY_ENCRYPT": "ntnn",
    "PKEY_DECRYPT": "ntnn", "PKEY_SIGN": "ntnn", "PKEY_VERIFY": "ntnn", "RESTRICT_KEYRING": "ntt", "MOVE": "nnnn",
    "CAPABILITIES": "nn", "WATCH_KEY": "nnn",
}  # fmt: skip
"""Operation of keyctl → its arguments from the second on: numbers and texts."""
_KEYCTL_BY_NUMBER: Final = {
    number: _KEYCTL_ARGS[name.removeprefix("KEYCTL_")] for name, number in flag_table("keyctl_operations")
}


def _key_argument(place: int) -> ParamReader:
    """Return the reader of argument `place` (1 … 4) of keyctl; its value is 0 if the operation has no such argument."""

    def argument(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> tuple[str, Any]:
        kinds = _KEYCTL_BY_NUMBER.get(args[0] & 0xFFFFFFFF, "")
        if place > len(kinds):
            return "int64", 0
        if kinds[place - 1] == "n":
            return "int64", signed64(args[place])
        return "string", as_text(blocks[place - 1]) if args[place] else None

    return argument


_TEXT_COMMANDS: Final = frozenset({1, 3, 4})
"""Commands FSCONFIG_SET_STRING, _SET_PATH and _SET_PATH_EMPTY."""
_SET_BINARY: Final = 2


def _setting_bytes(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> bytes:
    return blocks[1][:DATA_MAX] if result >= 0 and args[1] & 0xFFFFFFFF == _SET_BINARY else b""


def _setting_text(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> str | None:
    return as_text(blocks[0]) if result >= 0 and args[1] & 0xFFFFFFFF in _TEXT_COMMANDS else None


_QUOTA: Final = struct.Struct("<8QI4x")
"""The struct if_dqblk: limits and usage, then which of them count."""
_QUOTA_INFO: Final = struct.Struct("<QQII")
"""The struct if_dqinfo."""
_QUOTAON, _GETFMT, _GETINFO, _SETINFO, _GETQUOTA, _SETQUOTA = 0x800002, 0x800004, 0x800005, 0x800006, 0x800007, 0x800008
_WITH_ID: Final = frozenset({_GETQUOTA, _SETQUOTA, 0x5803, 0x5804})
_NO_FORMAT: Final = dict(flag_table("quotactl_quota_fmts"))["QFMT_NOT_USED"]


def _quota(command: int) -> int:
    return command >> 8 & 0xFFFFFF


def _quota_member(place: int, valid: int) -> ParamReader:
    """Return the reader of a number of struct if_dqblk; its value is 0 if the number does not count."""

    def member(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> int:
        if _quota(args[0]) not in (_GETQUOTA, _SETQUOTA) or len(blocks[1]) < _QUOTA.size:
            return 0
        values = _QUOTA.unpack_from(blocks[1])
        return int(values[place]) if values[8] & valid else 0

    return member


def _quota_info(place: int, valid: int) -> ParamReader:
    def member(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> int:
        if _quota(args[0]) not in (_GETINFO, _SETINFO) or len(blocks[1]) < _QUOTA_INFO.size:
            return 0
        values = _QUOTA_INFO.unpack_from(blocks[1])
        return int(values[place]) if values[3] & valid else 0

    return member


def _quota_file(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> str | None:
    return as_text(blocks[0]) if _quota(args[0]) == _QUOTAON and args[3] else None


def _quota_format_out(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> int:
    if _quota(args[0]) != _GETFMT or len(blocks[1]) < 4:
        return _NO_FORMAT
    return convert_flags("quotactl_quota_fmts", int.from_bytes(blocks[1][:4], "little"))


def _quota_format(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> int:
    return convert_flags("quotactl_quota_fmts", args[2] & 0xFFFFFFFF) if _quota(args[0]) == _QUOTAON else _NO_FORMAT


def _signal_sender(args: Sequence[int], result: int, blocks: Sequence[bytes]) -> int:
    return signal_sender(args[2], signed32(args[3]), signed32(args[0]))


SPECIAL: Final[Mapping[tuple[str, str], ParamReader]] = {
    **{(name, "optname"): _option for name in ("getsockopt", "setsockopt")},
    **{(name, "val"): _option_value for name in ("getsockopt", "setsockopt")},
    ("semctl", "val"): lambda args, result, blocks: signed32(args[3]) if args[2] & 0xFFFF == _SETVAL else 0,
    **{("keyctl", f"arg{place + 1}"): _key_argument(place) for place in range(1, 5)},
    ("signaldeliver", "spid"): _signal_sender,
    ("fsconfig", "value_bytebuf"): _setting_bytes,
    ("fsconfig", "value_charbuf"): _setting_text,
    ("quotactl", "quotafilepath"): _quota_file,
    ("quotactl", "dqb_bhardlimit"): _quota_member(0, 1),
    ("quotactl", "dqb_bsoftlimit"): _quota_member(1, 1),
    ("quotactl", "dqb_curspace"): _quota_member(2, 2),
    ("quotactl", "dqb_ihardlimit"): _quota_member(3, 4),
    ("quotactl", "dqb_isoftlimit"): _quota_member(4, 4),
    ("quotactl", "dqb_btime"): _quota_member(6, 16),
    ("quotactl", "dqb_itime"): _quota_member(7, 32),
    ("quotactl", "dqi_bgrace"): _quota_info(0, 1),
    ("quotactl", "dqi_igrace"): _quota_info(1, 2),
    ("quotactl", "dqi_flags"): _quota_info(2, 4),
    ("quotactl", "quota_fmt_out"): _quota_format_out,
    ("quotactl", "cmd"): lambda args, result, blocks: quota_command(args[0])[0],
    ("quotactl", "type"): lambda args, result, blocks: quota_command(args[0])[1],
    ("quotactl", "id"): lambda args, result, blocks: args[2] & 0xFFFFFFFF if _quota(args[0]) in _WITH_ID else 0,
    ("quotactl", "quota_fmt"): _quota_format,
}
"""(call, parameter) → its reader. `operands._SPECIAL_BLOCKS` lists the memory blocks that they need."""
