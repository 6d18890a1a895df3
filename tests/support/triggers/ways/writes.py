"""Ways to write, replace or truncate a file that matters: in containers in its place; on the host below a private
root."""

from typing import Final

from tests.support.triggers.ways.way import HEAD, RING, Way

_ETC: Final = "File below /etc written by an unexpected program"
_PLACES: Final = {
    "/etc": ("/etc/MARK", _ETC),
    "/root": ("/root/MARK", "File below root's home written"),
    "programs": ("/bin/MARK", "System program written"),
    "authorized_keys": ("/root/.ssh/authorized_keys", "SSH login key added"),
    "cron": ("/etc/cron.d/MARK", "Scheduled job changed"),
    "units": ("/etc/systemd/system/MARK.service", "systemd service or timer changed"),
}
_HEAD: Final = """
assert "ROOT" != "/" or os.environ["MOZU_BOX"]
os.makedirs(os.path.dirname("ROOT/" + PATH), exist_ok=True)
os.makedirs("ROOT/srv", exist_ok=True)
os.makedirs("ROOT/proc", exist_ok=True)
here = os.open("/proc/self/fd", os.O_RDONLY)
os.chroot("ROOT"); os.chdir("/")
if os.path.lexists(PATH): os.unlink(PATH)
def given(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    return path
"""
_WAYS: Final = (
    ("creat", "assert call(85, PATH.encode(), 0o600) >= 0", "creat"),
    (
        "mmap",
        "fd = os.open(PATH, os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 9); mmap.mmap(fd, 9)[:] = b'* * * * *'",
        "openat",
    ),
    ("rename", "os.rename(given('/srv/MARK'), PATH)", "rename renameat renameat2"),
    ("a hard link", "os.link(given('/srv/MARK'), PATH)", "link linkat"),
    ("a symbolic link", "os.symlink('/srv/MARK', PATH)", "symlink symlinkat"),
    ("truncate", "os.truncate(given(PATH), 0)", "truncate"),
    (
        "O_TMPFILE",
        "fd = os.open(os.path.dirname(PATH), os.O_TMPFILE | os.O_WRONLY, 0o600)\n"
        "assert call(265, here, str(fd).encode(), -100, PATH.encode(), 0x400) == 0",  # AT_SYMLINK_FOLLOW
        "linkat",
    ),
    ("io_uring", "ring_open(PATH, os.O_WRONLY | os.O_CREAT)", "openat"),
    (
        "an exchange, its name given first",
        "given('/srv/MARK'); given(PATH)\n"
        "assert call(316, -100, PATH.encode(), -100, b'/srv/MARK', 2) == 0",  # RENAME_EXCHANGE
        "renameat2",
    ),
)
_EXCHANGED: Final = "System file replaced"
_DIRECTORY: Final = """
os.makedirs("/srv/MARK"); given("/srv/MARK/authorized_keys")
os.rename("/root/.ssh", "/srv/MARK-before"); os.rename("/srv/MARK", "/root/.ssh")
"""


def _ways() -> tuple[Way, ...]:
    made = []
    for place, (path, rule) in _PLACES.items():
        for by, act, calls in _WAYS:
            rules = frozenset({rule, _ETC} if by == "truncate" else {_EXCHANGED} if "exchange" in by else {rule})
            code = f"{HEAD}{RING}PATH = {path!r}\n{_HEAD}{act}"
            made.append(Way(f"write: {place}", by, rules, code, frozenset(calls.split())))
    path, rule = _PLACES["authorized_keys"]
    code = f"{HEAD}PATH = {path!r}\n{_HEAD}{_DIRECTORY}"
    made.append(
        Way("write: authorized_keys", "a rename of the directory", frozenset({rule}), code, frozenset({"rename"}))
    )
    path2 = f"{path}2"
    made.append(
        Way("write: authorized_keys2", "creat", frozenset({rule}), f"{HEAD}PATH = {path2!r}\n{_HEAD}given(PATH)")
    )
    return tuple(made)


WRITES: Final = _ways()
"""Ways of writing. A truncated file of cron or a unit counts as a changed file below /etc: nothing is planted."""
