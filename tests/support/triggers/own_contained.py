"""Triggers of mozu's own rules in a container."""

import re
from typing import Final

from tests.support.triggers import Contained

_CLIENT_OF_THE_ENGINE: Final = (
    '$PYTHON -c "import socket; end = socket.socket(socket.AF_UNIX); end.connect(\'/run/docker.sock\')"'
)
_HANDLE_OPENED: Final = (
    "import ctypes, os, struct; call = ctypes.CDLL(None).syscall; "
    "handle, number = ctypes.create_string_buffer(struct.pack('=Ii', 128, 0), 136), ctypes.c_int(); "
    "call(303, -100, b'/usr/bin/true', handle, ctypes.byref(number), 0); "
    "assert call(304, os.open('/usr/bin', os.O_RDONLY), handle, 0) >= 0"
)
"""Code that opens by a handle. An overlay has no handles; a mounted directory of the host has."""
_MOVED_THERE: Final = (
    "import ctypes; call = ctypes.CDLL(None).syscall; context = call(430, b'tmpfs', 0); "
    "assert call(431, context, 6, 0, 0, 0) == 0; made = call(432, context, 0, 0); "
    "assert call(429, made, b'', -100, b'/tmp', 4) == 0"
)
"""Code that mounts by fsopen, fsconfig (to create), fsmount and move_mount, as util-linux does since 2.39."""

CONTAINED: Final = (
    Contained("Kernel told from a container to run a program", "sh", "echo x > /tmp/release_agent", box="admin"),
    Contained(
        "Namespace entered from a container",
        "nsenter",
        "/bin/ln -sf busybox /bin/nsenter; /bin/nsenter -t 1 -u true",
        box="admin",
    ),
    Contained("File system mounted in a container", "mount", "/bin/mount -t tmpfs x /tmp", box="admin"),
    Contained(
        "Debugger of file systems run in a container",
        "debugfs",
        "/bin/ln -sf busybox /bin/debugfs; /bin/debugfs -V",
    ),
    Contained(
        "Program executed that the image does not hold",
        "dropped",
        "/bin/cp /bin/busybox /bin/dropped; /bin/dropped true",
    ),
    Contained("Shell attached to a terminal in a container", "sh", ":", terminal=True),
    Contained("File created at the root of a container", "sh", "echo > /made"),
    Contained(
        "Files of another process reached from a container", "cat", "/bin/cat /proc/1/root/etc/passwd", box="admin"
    ),
    Contained(
        "Files of another process reached from a container",
        "sh",
        "cd /proc/1/root/etc",
        {"evt.type": "chdir", "evt.arg.path": "/proc/1/root/etc"},
        box="admin",
    ),
    Contained(
        "Token of a service account read by an unexpected program",
        "cat",
        "d=/run/secrets/kubernetes.io/serviceaccount; /bin/mkdir -p $d; echo > $d/token; /bin/cat $d/token",
    ),
    Contained(
        "Client of the cluster run in a container", "kubectl", "/bin/ln -sf busybox /bin/kubectl; /bin/kubectl get pods"
    ),
    Contained("Package manager run in a container", "apk", "/bin/ln -sf busybox /bin/apk; /bin/apk add x"),
    Contained("User namespace made in a container", "unshare", "/bin/unshare -U true", box="admin"),
    Contained("User namespace made in a container", "unshare", "/bin/unshare -m true", {"evt.res": "EPERM"}),
    Contained(
        "Child made in a user namespace in a container",
        re.compile("^python3"),
        "$PYTHON -c 'import ctypes, os\npid = ctypes.CDLL(None).syscall(56, 0x10000011, 0, 0, 0, 0)\n"
        "os.waitpid(pid, 0) if pid else os._exit(0)'",
        {"evt.arg.flags": re.compile("CLONE_NEWUSER")},
        box="tools",
    ),
    Contained(
        "File system mounted in a container",
        re.compile("^python3"),
        f'$PYTHON -c "{_MOVED_THERE}"',
        {"evt.type": "move_mount", "evt.rawarg.newpath": "/tmp"},
        box="tools",
    ),
    Contained(
        "Disk or memory of the host opened in a container",
        "cat",
        "/bin/mknod /dev/sdz b 7 0; /bin/cat /dev/sdz > /dev/null",
        {"fd.name": "/dev/sdz"},
        box="privileged",
    ),
    Contained(
        "Kernel module loaded in a container",
        "insmod",
        "/bin/ln -sf busybox /bin/insmod; echo x > /tmp/x.ko; /bin/insmod /tmp/x.ko",
        call="finit_module",
    ),
    Contained(
        "Server of the cluster asked from a container by a tool",
        "nc",
        "/bin/nc -l -p 6443 > /dev/null & until echo | /bin/nc -w 1 127.0.0.1 6443; do /bin/sleep 0.1; done",
        {"fd.name": re.compile(":6443$")},
        box="net",
    ),
    Contained(
        "Container reached the engine that runs it",
        re.compile("^python3"),
        _CLIENT_OF_THE_ENGINE,
        {"fd.name": re.compile("docker.sock")},
        box="engine",
    ),
    Contained(
        "File opened by handle in a container",
        re.compile("^python3"),
        f'$PYTHON -c "{_HANDLE_OPENED}"',
        {"evt.type": "open_by_handle_at"},
        box="tools",
    ),
    Contained("Device file made in a container", "mknod", "/bin/mknod /tmp/sdz b 7 0"),
    Contained("File made below dev", "touch", "/bin/touch /dev/perch"),
    Contained("Directory of the system's programs changed", "mkdir", "/bin/mkdir /bin/nest"),
    Contained("Program of the system written", "touch", "/bin/touch /bin/feather"),
    Contained("Database of packages written", "touch", "/bin/mkdir -p /var/lib/rpm; /bin/touch /var/lib/rpm/x"),
    Contained(
        "File among libraries or local programs written", "touch", "/bin/mkdir -p /usr/lib; /bin/touch /usr/lib/x"
    ),
    Contained("File below root's home written", "touch", "/bin/mkdir -p /root; /bin/touch /root/x"),
    Contained("File below etc written by an unexpected program", "touch", "/bin/touch /etc/perch"),
    Contained("Symbolic link to secrets made", "ln", "/bin/ln -s /etc /tmp/perch"),
    Contained("Hidden file or directory made in a public place", "mkdir", "/bin/mkdir /tmp/.perch"),
    Contained("Start file of a shell read by a tool", "cat", "echo > /tmp/.bashrc; /bin/cat /tmp/.bashrc"),
    Contained(
        "Settings of SSH read by a tool",
        "cat",
        "/bin/mkdir -p /root/.ssh; echo > /root/.ssh/config; /bin/cat /root/.ssh/config",
    ),
    Contained("File made executable in a container", "chmod", "/bin/touch /tmp/x; /bin/chmod 755 /tmp/x"),
    Contained("Text decoded in a container", "base64", "echo aGk= | /bin/base64 -d"),
    Contained("Transfer tool run in a container", "wget", "/bin/wget http://127.0.0.1/"),
    Contained(
        "Container wrote to the program of another process",
        "sh",
        "/bin/cp /bin/busybox /bin/perch; exec 5< /bin/perch; : > /proc/self/fd/5",
    ),
    Contained("Container started with the host in its reach", "sleep", "", box="volumes"),
    Contained(
        "Secret of the host read through a mount of a container",
        "cat",
        "/bin/cat /e/shadow",
        {"fd.name": "/e/shadow", "fd.hostpath": "/etc/shadow"},
        box="volumes",
    ),
    Contained(
        "Secret of the host read through a mount of a container",
        "cat",
        "/bin/ln -s /e/../e /tmp/nest; cd /tmp/nest; /bin/cat shadow",
        {"fd.hostpath": "/etc/shadow"},
        box="volumes",
    ),
    Contained(
        "Start of the host changed through a mount of a container",
        "sh",
        "/bin/mkdir -p /host/.ssh; echo > /host/.ssh/authorized_keys",
        {"fd.hostpath": re.compile("^/.+/[.]ssh/authorized_keys$")},
        box="volumes",
    ),
)
