"""Calls that wait, and calls that wake others: timers, futexes, semaphores, signals."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call("poll", "wait", "res:errno fds:fdlist timeout:int64", traits="waits"),
    call("ppoll", "wait", "res:errno fds:fdlist timeout:reltime sigmask:sigset", traits="waits"),
    call("select", "wait", "res:errno", traits="waits"),
    call("epoll_wait", "wait", "res:errno maxevents:errno", traits="waits"),
    call("nanosleep", "sleep", "res:errno interval:reltime", traits="waits"),
    call("futex", "ipc", "res:errno addr:uint64:x op:flags16:x:futex_operations val:uint64"),
    call("semctl", "process", "res:errno semid:int32 semnum:int32 cmd:flags16:x:semctl_commands val:int32"),
    call("semget", "process", "res:errno key:int32:x nsems:int32 semflg:flags32:x:semget_flags"),
    call(
        "semop",
        "process",
        "res:errno nsops:uint32 sem_num_0:uint16 sem_op_0:int16 sem_flg_0:flags16:x:semop_flags "
        "sem_num_1:uint16 sem_op_1:int16 sem_flg_1:flags16:x:semop_flags semid:int32",
    ),
    call("kill", "signal", "res:errno pid:pid sig:signal"),
    call("tgkill", "signal", "res:errno pid:pid tid:pid sig:signal"),
    call("tkill", "signal", "res:errno tid:pid sig:signal"),
)
