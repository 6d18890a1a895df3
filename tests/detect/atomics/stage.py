"""A copy of a root directory for each test, in private namespaces, with a stand-in for the internet.

The copy is an overlay whose upper layer is in memory. All addresses are local to the network namespace: every name
leads to one of them, and web servers there answer each request with the same harmless script. No packet leaves.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.detect.atomics.catalogue import FILES, Atomic, Prerequisite
from tests.support.pod_cgroup import cgroup

PARENT: Final = f"mozu-atomics-{os.getpid()}"
"""The cgroup above those of tests."""
_LOGIN: Final = "1000"
_PATIENCE: Final = 40.0
"""Seconds for a test and its preparation."""
_UNPREPARED: Final = 77
_ADDRESS: Final = "203.0.113.1"
_DENIED: Final = ",".join(f"-{one}" for one in ("sys_module", "sys_time", "syslog", "mknod", "sys_rawio"))
"""Capabilities over what namespaces do not separate."""
_DIRECTORIES: Final = ".ssh .aws .gnupg/private-keys-v1.d .mozilla/firefox/perch.default .config/chromium/Default"
_HOME: Final = (
    ".bash_history .sh_history .profile .bashrc .shrc .netrc .ssh/id_rsa .ssh/authorized_keys .ssh/known_hosts "
    ".aws/credentials .gnupg/private-keys-v1.d/perch.key .mozilla/firefox/perch.default/logins.json "
    ".config/chromium/Default/Bookmarks"
)
_LOGS: Final = "journal/system.journal syslog messages auth.log secure audit/audit.log ../mail/root ../mail/ann"
"""Directories and files that machines have on which people work; each file holds a word."""
_UNSTAGED: Final = 76
_STAGE: Final = f"""
set -eE; trap 'exit {_UNSTAGED}' ERR
mount -t tmpfs -o size=2G,mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
root="$1/root"
mkdir -p "$root{FILES}"
cp -R "$3/." "$root{FILES}"
chmod -R a+rwX "$root{FILES}"
mount -t proc proc "$root/proc"
mount -o bind,ro "$root/proc/sys" "$root/proc/sys"
! [ -e /proc/sysrq-trigger ] || mount -o bind,ro "$root/proc/sysrq-trigger" "$root/proc/sysrq-trigger"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o size=1M,mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o size=64M,mode=1777 tmpfs "$root/dev/shm"
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "$root/dev/${{device%:*}}" c 1 "${{device#*:}}"
done
mknod -m 666 "$root/dev/tty" c 5 0
ln -s pts/ptmx "$root/dev/ptmx"; ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"; ln -s fd/1 "$root/dev/stdout"; ln -s fd/2 "$root/dev/stderr"
rm -f "$root/etc/resolv.conf"; echo "nameserver {_ADDRESS}" > "$root/etc/resolv.conf"
hostname atomic; printf '127.0.0.1 localhost atomic\\n' > "$root/etc/hosts"
for home in root home/ann; do
  cd "$root/$home"
  echo insecure > .curlrc; echo check_certificate=off > .wgetrc
  mkdir -p {_DIRECTORIES}
  for file in {_HOME}; do echo "# perch" > $file; done
done
cd "$root/var/log"; mkdir -p journal audit
for file in {_LOGS}; do echo perch > $file; done
chown -R 1000:1000 "$root/home/ann"
echo {_LOGIN} > /proc/self/loginuid
user=$4; shift 4
exec 9> "$1/cgroup.procs"; script=$2 server=$3 prepare=$4; shift 4
as() {{
  case $1 in root) home=/root;; *) home=/home/ann;; esac
  user=$1; shift
  exec setpriv --reuid=$user --regid=$user --init-groups --bounding-set={_DENIED} --inh-caps={_DENIED} \\
    env -i -C $home PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=$home USER=$user \\
    LOGNAME=$user SHELL=/bin/bash LANG=C.UTF-8 "$@"
}}
ip link set lo up; ip address add {_ADDRESS}/32 dev lo
exec 8< <(exec unshare --mount "$1" "$server"); read -r -t 20 -u 8; exec 8<&-
cd "$root"; mkdir old; pivot_root . old; umount -l /old; rmdir old
(as $user timeout 20 bash -c "$prepare") || exit {_UNPREPARED}
ip route add local default dev lo src {_ADDRESS}
echo 0 >&9
as $user "$2" -c "trap 'sleep 0.5' EXIT
$script" 9>&-
"""
"""Script with the arguments: a directory, the tree, the tests' files, the user; the cgroup, the command, the stand-in,
the preparation of the test; Python, the shell. The stand-in prints a line once it serves: it must have begun before
the root is another. Before the route there is no network but the loopback's, so that nothing
is prepared with a stand-in's page. The shell lives on for a moment, in which mozu reads its cgroup."""
_MISSING: Final = re.compile(
    r"command not found|: not found|[Uu]nable to locate|is not installed|[Nn]o such file or directory\n?\Z"
    r"|cannot execute"
)
_NO_SERVER: Final = re.compile(
    r"[Cc]onnection (refused|timed out)|[Nn]o route to host|Could not resolve|name resolution|Network is unreachable"
)
_REFUSED: Final = re.compile(
    r"[Pp]ermission denied|[Oo]peration not permitted|Read-only file system|[Mm]ust be (run as )?root|Exec format error"
    r"|[Ii]nvalid option|unrecognized option|[Uu]sage:|cannot open display|no X server|Unable to connect"
    r"|No such file or directory|does not exist|[Uu]nknown user|Could not"
)


_NO_SYSTEMD: Final = re.compile(
    r"System has not been booted with systemd.*\n|Failed to (connect to bus|talk to init daemon).*\n"
)
"""Pattern of messages of programs that need a service manager; such programs are started as on a machine that has
one."""


class Performed(NamedTuple):
    """The outcome of a test."""

    reason: str
    """Reason why the test does not count; empty if it was performed."""
    said: str


def perform(atomic: Atomic, tree: Path, files: Path, folder: Path) -> Performed:
    """Perform the test in the cgroup `PARENT/GUID`; `folder` is an empty directory, a mount point in its namespace."""
    with cgroup(PARENT, atomic.guid) as place:
        process = subprocess.Popen(
            [
                *("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
                *("bash", "-c", _STAGE, "stage", folder, tree, files, "root" if atomic.as_root else "ann"),
                *(place, atomic.command, Path(__file__).with_name("internet.py"), _preparation(atomic.prerequisites)),
                *(sys.executable, atomic.shell),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        late = False
        try:
            said, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired as error:
            said, late = error.stdout or b"", True
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
    text = said.decode(errors="replace")
    assert process.returncode != _UNSTAGED, text
    return Performed(_reason(process.returncode, text, late), text[-4000:])


def _preparation(conditions: tuple[Prerequisite, ...]) -> str:
    """Return a script that exits with 0 if all conditions hold, or could be made to hold without a network."""
    return "exec > /dev/null 2>&1\n" + "\n".join(
        f"( {one.check}\n) || {{ ( {one.get}\n); ( {one.check}\n) || exit 1; }}" for one in conditions
    )


def _reason(code: int, said: str, late: bool) -> str:
    said = _NO_SYSTEMD.sub("", said)
    if code == _UNPREPARED:
        return "a prerequisite is missing"
    if _MISSING.search(said) and code:
        return "a program or file is missing"
    if _NO_SERVER.search(said):
        return "no such server"
    if code and not late and _REFUSED.search(said):
        return "refused, or without its object"
    return ""
