"""Triggers of mozu's own rules in a container."""

import re
from typing import Final

from tests.support.triggers import Contained

_CLIENT_OF_THE_ENGINE: Final = (
    "$PYTHON -c \"import socket; end = socket.socket(socket.AF_UNIX); end.connect('/run/docker.sock')\""
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
    Contained("Kernel helper program set from a container", "sh", "echo x > /tmp/release_agent", box="admin"),
    Contained(
        "Namespace entered from a container",
        "nsenter",
        "/bin/ln -sf busybox /bin/nsenter; /bin/nsenter -t 1 -u true",
        box="admin",
    ),
    Contained("File system mounted in a container", "mount", "/bin/mount -t tmpfs x /tmp", box="admin"),
    Contained(
        "File system debugger run in a container",
        "debugfs",
        "/bin/ln -sf busybox /bin/debugfs; /bin/debugfs -V",
    ),
    Contained(
        "Program executed that is not in the image",
        "dropped",
        "/bin/cp /bin/busybox /bin/dropped; /bin/dropped true",
    ),
    Contained("Shell attached to a terminal in a container", "sh", ":", terminal=True),
    Contained("File created at the root of a container", "sh", "echo > /made"),
    Contained(
        "Files of another process accessed from a container", "cat", "/bin/cat /proc/1/root/etc/passwd", box="admin"
    ),
    Contained(
        "Files of another process accessed from a container",
        "sh",
        "cd /proc/1/root/etc",
        {"evt.type": "chdir", "evt.arg.path": "/proc/1/root/etc"},
        box="admin",
    ),
    Contained(
        "Service account token read by an unexpected program",
        "cat",
        "d=/run/secrets/kubernetes.io/serviceaccount; /bin/mkdir -p $d; echo > $d/token; /bin/cat $d/token",
    ),
    Contained(
        "Kubernetes client run in a container", "kubectl", "/bin/ln -sf busybox /bin/kubectl; /bin/kubectl get pods"
    ),
    Contained("Package manager run in a container", "apk", "/bin/ln -sf busybox /bin/apk; /bin/apk add x"),
    Contained("User namespace created in a container", "unshare", "/bin/unshare -U true", box="admin"),
    Contained("User namespace created in a container", "unshare", "/bin/unshare -m true", {"evt.res": "EPERM"}),
    Contained(
        "Process created in a new user namespace in a container",
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
        "Host disk or memory opened in a container",
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
        "Kubernetes API requested from a container by a tool",
        "nc",
        "/bin/nc -l -p 6443 > /dev/null & until echo | /bin/nc -w 1 127.0.0.1 6443; do /bin/sleep 0.1; done",
        {"fd.name": re.compile(":6443$")},
        box="net",
    ),
    Contained(
        "Container connected to its own engine",
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
    Contained("Device file created in a container", "mknod", "/bin/mknod /tmp/sdz b 7 0"),
    Contained("File created below /dev", "touch", "/bin/touch /dev/perch"),
    Contained("Directory of system programs changed", "mkdir", "/bin/mkdir /bin/nest"),
    Contained("System program written", "touch", "/bin/touch /bin/feather"),
    Contained("Package database written", "touch", "/bin/mkdir -p /var/lib/rpm; /bin/touch /var/lib/rpm/x"),
    Contained(
        "File among libraries or local programs written", "touch", "/bin/mkdir -p /usr/lib; /bin/touch /usr/lib/x"
    ),
    Contained("File below root's home written", "touch", "/bin/mkdir -p /root; /bin/touch /root/x"),
    Contained("File below /etc written by an unexpected program", "touch", "/bin/touch /etc/perch"),
    Contained("Symbolic link to secrets created", "ln", "/bin/ln -s /etc /tmp/perch"),
    Contained("Hidden file or directory created in a world-writable directory", "mkdir", "/bin/mkdir /tmp/.perch"),
    Contained("Shell start-up file read by a tool", "cat", "echo > /tmp/.bashrc; /bin/cat /tmp/.bashrc"),
    Contained(
        "SSH configuration read by a tool",
        "cat",
        "/bin/mkdir -p /root/.ssh; echo > /root/.ssh/config; /bin/cat /root/.ssh/config",
    ),
    Contained("File made executable in a container", "chmod", "/bin/touch /tmp/x; /bin/chmod 755 /tmp/x"),
    Contained("Text decoded in a container", "base64", "echo aGk= | /bin/base64 -d"),
    Contained("Transfer tool run in a container", "wget", "/bin/wget http://127.0.0.1/"),
    Contained(
        "Container overwrote the executable of another process",
        "sh",
        "/bin/cp /bin/busybox /bin/perch; exec 5< /bin/perch; : > /proc/self/fd/5",
    ),
    Contained("Container started with access to the host", "sleep", "", box="volumes"),
    Contained(
        "Host secret read through a container's mount",
        "cat",
        "/bin/cat /e/shadow",
        {"fd.name": "/e/shadow", "fd.hostpath": "/etc/shadow"},
        box="volumes",
    ),
    Contained(
        "Host secret read through a container's mount",
        "cat",
        "/bin/ln -s /e/../e /tmp/nest; cd /tmp/nest; /bin/cat shadow",
        {"fd.hostpath": "/etc/shadow"},
        box="volumes",
    ),
    Contained(
        "Host start-up file changed through a container's mount",
        "sh",
        "/bin/mkdir -p /host/.ssh; echo > /host/.ssh/authorized_keys",
        {"fd.hostpath": re.compile("^/.+/[.]ssh/authorized_keys$")},
        box="volumes",
    ),
)
