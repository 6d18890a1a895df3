"""Calls on mounts and file systems."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call(
        "mount",
        "file",
        "res:errno dev:string dir:fspath type:string flags:flags32:x:mount_flags",
        traits="modifies_state",
        default="state",
    ),
    call("umount", "file", "res:errno name:fspath", traits="modifies_state", default="state", calls=""),
    call(
        "umount2",
        "file",
        "res:errno name:fspath flags:flags32:x:umount_flags",
        traits="modifies_state",
        default="state",
    ),
    call(
        "fsconfig",
        "system",
        "res:errno fd:fd cmd:enum32:fsconfig_cmds key:string value_bytebuf:bytes value_charbuf:string aux:int32",
        traits="uses_fd",
    ),
    call(
        "quotactl",
        "user",
        "res:errno special:string quotafilepath:string dqb_bhardlimit:uint64 dqb_bsoftlimit:uint64 "
        "dqb_curspace:uint64 dqb_ihardlimit:uint64 dqb_isoftlimit:uint64 dqb_btime:reltime dqb_itime:reltime "
        "dqi_bgrace:reltime dqi_igrace:reltime dqi_flags:flags8:quotactl_dqi_flags "
        "quota_fmt_out:flags8:quotactl_quota_fmts cmd:flags16:quotactl_cmds type:flags8:quotactl_types "
        "id:uint32 quota_fmt:flags8:quotactl_quota_fmts",
    ),
)
