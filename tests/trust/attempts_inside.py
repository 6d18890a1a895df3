"""Attempts of root inside a container: run there by `container_root.py`, with the machine's Python and nothing else.

The arguments are a directory and names of traps, which the program creates there; a volume has the traps, too. The
program reads lines `WAY TRAP` and answers each with the report of the attempt: B, the attempt has begun; R, a byte of
the trap was read; S, a process of the attempt has lived on; X, the way is not possible here.
"""

import ctypes
import os
import select
import shutil
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

LIVES = 5.0
"""Seconds after which a process that should have been killed counts as living on."""
NEWUSER, NEWPID, NEWNS, NEWTIME = 0x10000000, 0x20000000, 0x00020000, 0x80
SET_DUMPABLE, SET_NAME = 4, 15
EXIT = {"x86_64": 60, "aarch64": 93}[os.uname().machine]
BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
MAP_UPDATE, GET_MAP_BY_ID = 2, 14
MAPS = [int(one) for one in os.environ.get("MAPS", "").split()]
"""Ids of the maps KILLS of the tested mozu."""
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
PROTECTED = ("/usr/bin/dbus-daemon", "/usr/bin/conmon")
"""Dynamically linked executables of the machine."""
ALLOWED = os.environ.get("ALLOWED", "")
LIBC = ctypes.CDLL(None, use_errno=True)
AGAIN = "import sys; sys.path.insert(0, '/trust'); import attempts_inside as a; a.read(sys.argv[1], int(sys.argv[2]))"


def read(trap: str, report: int) -> None:
    """Read the trap, report that, and live on."""
    os.write(report, b"B")
    try:
        descriptor = os.open(trap, os.O_RDONLY)
        if os.read(descriptor, 1):
            os.write(report, b"R")
    except OSError:
        os.write(report, b"X")
    time.sleep(LIVES)
    os.write(report, b"S")


def called(name: str, *arguments: object) -> None:
    """Call a function of libc. Raises OSError."""
    if getattr(LIBC, name)(*arguments):
        raise OSError(ctypes.get_errno(), name)


def mounted(source: str, target: str, kind: str, data: str = "", flags: int = 0) -> None:
    """Mount a file system. Raises OSError."""
    called("mount", source.encode(), target.encode(), kind.encode(), flags, data.encode())


def named(name: str) -> Callable[[str, int], None]:
    """Return a way that reads under this name (comm)."""

    def way(trap: str, report: int) -> None:
        called("prctl", SET_NAME, name.encode(), 0, 0, 0)
        read(trap, report)

    return way


def in_namespace(flags: int) -> Callable[[str, int], None]:
    """Return a way that reads in private namespaces, in a child."""

    def way(trap: str, report: int) -> None:
        called("unshare", flags)
        if os.fork() == 0:
            read(trap, report)
            os._exit(0)
        os._exit(0)

    return way


def run_as(path: str, name: str, trap: str, report: int) -> None:
    """Execute a copy of Python by this path and name."""
    shutil.copy(os.path.realpath(sys.executable), path)
    os.set_inheritable(report, True)
    os.execv(path, [name, "-c", AGAIN, trap, str(report)])


def copied(trap: str, report: int) -> None:
    """Read by a copy in the writable layer."""
    run_as("/tmp/dockerd", "dockerd", trap, report)


def on_tmpfs(trap: str, report: int) -> None:
    """Read by a copy in a directory of packages' programs, in a file system that is not the image's."""
    called("unshare", NEWNS)
    os.makedirs("/opt/bin", exist_ok=True)
    mounted("none", "/opt/bin", "tmpfs")
    run_as("/opt/bin/runc", "runc", trap, report)


def loading(executable: str) -> Callable[[str, int], None]:
    """Return a way by an executable of the machine with a preloaded library that reads."""

    def way(trap: str, report: int) -> None:
        os.set_inheritable(report, True)
        environment = {"LD_PRELOAD": "/trust/reads.so", "TRAP": trap, "REPORT": str(report)}
        os.execve(executable, [executable], environment)

    return way


def moved(hierarchies: list[Path], below: str) -> int:
    """Move this process in each of the hierarchies; return in how many that was possible."""
    count = 0
    for place in hierarchies:
        try:
            (place / below).mkdir(parents=True, exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (place / name).exists():
                    (place / below / name).write_text((place / name).read_text())
            (place / below / "cgroup.procs").write_text(str(os.getpid()))
            count += 1
        except OSError:
            continue
    if not count:
        raise OSError("no cgroup can be made")
    return count


def own_hierarchies() -> list[Path]:
    """Return the hierarchies that the container sees."""
    root = Path("/sys/fs/cgroup")
    return [one for one in (root, *sorted(root.glob("*"))) if (one / "cgroup.procs").exists()]


def forged(trap: str, report: int) -> None:
    """Read in a cgroup named as the spared container's, in every hierarchy."""
    moved(own_hierarchies(), f"docker-{ALLOWED}.scope")
    read(trap, report)


def many_cgroups(trap: str, report: int) -> None:
    """Read in a cgroup with a new name each time."""
    moved(own_hierarchies(), f"docker-{os.urandom(32).hex()}.scope")
    read(trap, report)


def host_hierarchies() -> list[Path]:
    """Mount every hierarchy that the kernel has, whole."""
    called("unshare", NEWNS)
    mounted("none", "/", "", flags=1 << 18 | 1 << 14)  # private
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, names, _ = line.split(":", 2)
        place = f"/tmp/hierarchy-{number}"
        os.makedirs(place, exist_ok=True)
        try:
            mounted("none", place, "cgroup" if names else "cgroup2", f"none,{names}" if "=" in names else names)
        except OSError:
            continue
        found.append(Path(place))
    if not found:
        raise OSError("no hierarchy can be mounted")
    return found


def into_the_host(trap: str, report: int) -> None:
    """Read out of the container's cgroup, by the host's hierarchies."""
    moved(host_hierarchies(), ".")
    read(trap, report)


def into_the_spared(trap: str, report: int) -> None:
    """Read in the cgroup of the spared container, by the host's hierarchies."""
    moved(host_hierarchies(), f"docker/{ALLOWED}")
    read(trap, report)


def as_user(trap: str, report: int) -> None:
    """Read as another user of the container each time."""
    os.setgid(1000)
    os.setuid(1000 + int.from_bytes(os.urandom(2), "big"))
    read(trap, report)


def other_root(trap: str, report: int) -> None:
    """Read from another root directory."""
    os.chroot(Path(trap).parent)
    os.chdir("/")
    read(f"/{Path(trap).name}", report)


def in_volume(way: Callable[[str, int], None]) -> Callable[[str, int], None]:
    """Return the way for the trap that is in a volume."""
    return lambda trap, report: way(f"/volume/{Path(trap).name}", report)


def by_proc(trap: str, report: int) -> None:
    """Read by the root of the container's first process."""
    read(f"/proc/1/root{trap}", report)


def by_link(trap: str, report: int) -> None:
    """Read by a symbolic link."""
    link = f"/tmp/link-{Path(trap).name}"
    if not os.path.islink(link):
        os.symlink(trap, link)
    read(link, report)


def by_mount(trap: str, report: int) -> None:
    """Read by a mount of the trap in another place."""
    called("unshare", NEWNS)
    mounted("none", "/", "", flags=1 << 18 | 1 << 14)
    Path("/tmp/mounted").touch()
    mounted(trap, "/tmp/mounted", "", flags=4096)
    read("/tmp/mounted", report)


def by_pivot(trap: str, report: int) -> None:
    """Read with the trap's directory as the root of a mount namespace."""
    called("unshare", NEWNS)
    mounted("none", "/", "", flags=1 << 18 | 1 << 14)
    os.makedirs("/tmp/root", exist_ok=True)
    mounted(str(Path(trap).parent), "/tmp/root", "", flags=4096)
    os.chdir("/tmp/root")
    if LIBC.syscall(PIVOT_ROOT, b".", b".") or LIBC.umount2(b".", 2):
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
    read(f"/{Path(trap).name}", report)


def by_user_mount(trap: str, report: int) -> None:
    """Read by a mount of the trap's directory that an ordinary user makes in private namespaces."""
    os.makedirs("/tmp/users", exist_ok=True)
    os.setgid(1000)
    os.setuid(1000)
    called("unshare", NEWUSER | NEWNS)
    mounted(str(Path(trap).parent), "/tmp/users", "", flags=4096 | 1 << 14)
    read(f"/tmp/users/{Path(trap).name}", report)


def by_hard_link(trap: str, report: int) -> None:
    """Read by another name of the same file."""
    read(f"{trap}-linked", report)


def bpf(command: int, attribute: bytes) -> tuple[int, bytes]:
    """Call bpf(2); return its result, and the attribute as the kernel leaves it. Raises OSError."""
    given = ctypes.create_string_buffer(attribute.ljust(128, b"\0"), 128)
    found = LIBC.syscall(BPF, command, given, 128)
    if found < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return found, given.raw


def disarm(one: int) -> None:
    """Disarm the first rules of a map KILLS, by its id. Raises OSError."""
    descriptor, _ = bpf(GET_MAP_BY_ID, struct.pack("<I", one))
    for rule in range(1, 9):
        number, value = ctypes.create_string_buffer(struct.pack("<I", rule)), ctypes.create_string_buffer(64)
        bpf(MAP_UPDATE, struct.pack("<IIQQQ", descriptor, 0, ctypes.addressof(number), ctypes.addressof(value), 0))
    os.close(descriptor)


def disarmed(trap: str, report: int) -> None:
    """Read once no rule kills any more in the kernel. Only the maps of the tested mozu are touched."""
    for one in MAPS:
        disarm(one)
    read(trap, report)


def not_dumpable(trap: str, report: int) -> None:
    """Read in a process whose /proc entries are closed to other users."""
    called("prctl", SET_DUMPABLE, 0, 0, 0, 0)
    read(trap, report)


def leaderless(trap: str, report: int) -> None:
    """Read by a thread of a process whose first thread has ended."""
    threading.Thread(target=read, args=(trap, report)).start()
    LIBC.syscall(EXIT, 0)


def beside(trap: str, report: int) -> None:
    """Read by a thread that tries the number which the descriptor will have."""
    expected = os.dup(report)
    os.close(expected)

    def look() -> None:
        while True:
            try:
                if os.read(expected, 1):
                    os.write(report, b"R")
                    return
            except OSError:
                continue

    threading.Thread(target=look, daemon=True).start()
    os.write(report, b"B")
    os.open(trap, os.O_RDONLY)
    time.sleep(LIVES)
    os.write(report, b"S")


WAYS: dict[str, Callable[[str, int], None]] = {
    "nothing": read,
    "the name runc:[2:INIT]": named("runc:[2:INIT]"),
    "the name containerd-shim": named("containerd-shim"),
    "a copy named dockerd": copied,
    "/opt/bin/runc on a tmpfs": on_tmpfs,
    **{f"LD_PRELOAD, the machine's {path}": loading(path) for path in PROTECTED},
    "a cgroup named as the spared container's": forged,
    "a cgroup of ever another name": many_cgroups,
    "the host's root cgroup": into_the_host,
    "the spared container's own cgroup": into_the_spared,
    "another uid each time": as_user,
    "a user namespace": in_namespace(NEWUSER),
    "a pid namespace": in_namespace(NEWPID),
    "a time namespace": in_namespace(NEWTIME),
    "mozu's maps, disarmed": disarmed,
    "not dumpable": not_dumpable,
    "a thread whose first one has ended": leaderless,
    "/proc/1/root": by_proc,
    "a symbolic link": by_link,
    "chroot to the trap's directory": other_root,
    "a mount of the trap elsewhere": by_mount,
    "a trap in a volume": in_volume(read),
    "a trap in a volume, chroot": in_volume(other_root),
    "a trap in a volume, a mount of it elsewhere": in_volume(by_mount),
    "a trap in a volume, pivot_root": in_volume(by_pivot),
    "a trap in a volume, a mount in a user namespace": in_volume(by_user_mount),
    "a trap in a volume, a hard link": in_volume(by_hard_link),
    "a thread that reads beside": beside,
}


def attempt(way: str, trap: str) -> str:
    """Try a way once in a child; return what was reported."""
    mine, report = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(mine)
        os.setsid()
        try:
            WAYS[way](trap, report)
        except OSError:
            os.write(report, b"X")
        os._exit(0)
    os.close(report)
    said, deadline = b"", time.monotonic() + 60
    while select.select([mine], [], [], max(0.0, deadline - time.monotonic()))[0]:
        got = os.read(mine, 64)
        if not got:
            break
        said += got
    os.close(mine)
    os.waitpid(child, 0)
    return said.decode()


if __name__ == "__main__":
    PLACE = sys.argv[1]
    os.makedirs(PLACE, exist_ok=True)
    for name in sys.argv[2:]:
        Path("/srv/new").write_text("bait")  # a process that opens a trap is killed
        os.rename("/srv/new", f"{PLACE}/{name}")
    for line in sys.stdin:
        asked, _, path = line.rstrip("\n").partition("\t")
        print(attempt(asked, f"{PLACE}/{path}"), flush=True)
