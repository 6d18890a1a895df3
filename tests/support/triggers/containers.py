"""Triggers in containers."""

import re
from typing import Final

from tests.support.triggers import Contained
from tests.support.triggers.ways import BOX as WAYS_BOX

_METADATA: Final = "169.254.169.254"
_LOCAL: Final = (_METADATA, "203.0.113.1", "203.0.113.2")
ADDRESSES: Final = "; ".join(
    ("/bin/ip link set lo up", *(f"/bin/ip addr add {address}/32 dev lo" for address in _LOCAL))
)
_PRIVILEGED: Final = ("--privileged", "--runtime", "bounded")


def _connect(address: str, port: int) -> str:
    """Return a command that listens and connects, again and again until both meet."""
    return f"/bin/nc -l -p {port} > /dev/null & until echo | /bin/nc -w 1 {address} {port}; do sleep 0.1; done"


BOXES: Final[dict[str, tuple[str, ...]]] = {
    "box": (),
    "net": ("--cap-add", "NET_ADMIN"),
    "admin": ("--cap-add", "SYS_ADMIN", "--volume", "$TMP:/host"),
    "volumes": ("--volume", "/etc:/e:ro", "--volume", "$TMP:/host"),
    "privileged": _PRIVILEGED,
    "tools": WAYS_BOX,
    "engine": (*WAYS_BOX, "--volume", "$SOCKET:/run/docker.sock"),
    "pod": ("--cap-add", "NET_ADMIN", "--label", "io.kubernetes.pod.namespace=perch"),
}
"""Container → options of docker run. The containers have no network but those that they make themselves."""

STABLE: Final = (
    Contained("Terminal shell in container", "sh", ":", {"proc.tty": re.compile("^[1-9]")}, terminal=True),
    Contained(
        "Contact K8S API Server From Container", "nc", _connect("203.0.113.2", 443),
        {"fd.name": re.compile(r"->203\.0\.113\.2:443$"), "fd.rport": 443, "evt.type": "connect"}, box="net",
    ),
    Contained(
        "Netcat Remote Code Execution in Container", "nc", "/bin/nc -w 1 127.0.0.1 9 -e /bin/sh",
        {"proc.cmdline": "nc -w 1 127.0.0.1 9 -e /bin/sh"},
    ),
    Contained(
        "Clear Log Activities", "sh", "/bin/mkdir -p /var/log; : > /var/log/syslog", {"fd.name": "/var/log/syslog"}
    ),
    Contained(
        "Packet socket created in container", "arping", "/bin/arping -c 1 -w 1 -I lo 127.0.0.1",
        {"evt.type": "socket"},
    ),
    Contained(
        "Redirect STDOUT/STDIN to Network Connection in Container", "nc",
        "/bin/nc -l -p 4444 -e true & until /bin/nc 127.0.0.1 4444 -e /bin/cat < /dev/null; do sleep 0.1; done",
        {"fd.name": re.compile(r"127\.0\.0\.1"), "fd.l4proto": "tcp"}, box="net",
    ),
    Contained(
        "Debugfs Launched in Privileged Container", "debugfs", "/bin/ln -s busybox /bin/debugfs; /bin/debugfs -V",
        {"proc.cmdline": "debugfs -V"}, box="privileged",
    ),
    Contained(
        "Detect release_agent File Container Escapes", "sh", "echo x > /tmp/release_agent",
        {"fd.name": "/tmp/release_agent", "thread.cap_effective": re.compile("CAP_SYS_ADMIN")}, box="admin",
    ),
    Contained(
        "Drop and execute new binary in container", "dropped", "/bin/cp /bin/busybox /bin/dropped; /bin/dropped true",
        {"proc.exepath": "/bin/dropped"},
    ),
)  # fmt: skip

INCUBATING: Final = (
    Contained(
        "Read ssh information", "cat", "/bin/mkdir -p /root/.ssh; : > /root/.ssh/config; /bin/cat /root/.ssh/config",
        {"fd.name": "/root/.ssh/config"},
    ),
    Contained("Change namespace privileges via unshare", "unshare", "/bin/unshare -m true", {"evt.type": "unshare"}),
    Contained("Launch Privileged Container", "sleep", "", {}, box="privileged"),
    Contained(
        "Launch Excessively Capable Container", "sleep", "",
        {"thread.cap_permitted": re.compile("CAP_SYS_ADMIN")}, box="admin",
    ),
    Contained("Create files below dev", "touch", "/bin/touch /dev/perch", {"fd.name": "/dev/perch"}),
    Contained(
        "Contact EC2 Instance Metadata Service From Container", "nc", _connect(_METADATA, 80),
        {"fd.name": re.compile(rf"->{_METADATA}:80$"), "fd.rport": 80}, box="net",
    ),
    Contained(
        "Contact cloud metadata service from container", "nc", _connect(_METADATA, 80),
        {"fd.name": re.compile(rf"->{_METADATA}:80$")}, box="net",
    ),
    Contained(
        "Launch Package Management Process in Container", "apt-get", "apt-get update",
        {"proc.cmdline": "apt-get /usr/bin/apt-get update"},
    ),
    Contained("Launch Suspicious Network Tool in Container", "nc", "/bin/nc -h", {"proc.cmdline": "nc -h"}),
    Contained(
        "Launch Remote File Copy Tools in Container", "rsync", "/bin/ln -s busybox /bin/rsync; /bin/rsync -a x y",
        {"proc.cmdline": "rsync -a x y"},
    ),
    Contained(
        "Network Connection outside Local Subnet", "nc", _connect("203.0.113.1", 80),
        {"k8s.ns.name": "perch", "fd.rport": 80}, box="pod",
    ),
    Contained(
        "Mount Launched in Privileged Container", "mount", "/bin/mount -t tmpfs none /tmp",
        {"proc.cmdline": "mount -t tmpfs none /tmp"}, box="privileged",
    ),
    Contained(
        "Launch Ingress Remote File Copy Tools in Container", "wget", "/bin/wget http://127.0.0.1/",
        {"proc.cmdline": "wget http://127.0.0.1/"},
    ),
    Contained(
        "Read environment variable from /proc files", "cat", "/bin/cat /proc/1/environ", {"fd.name": "/proc/1/environ"}
    ),
    Contained(
        "Exfiltrating Artifacts via Kubernetes Control Plane", "tar", "exec /bin/tar cf /dev/null /bin/busybox",
        {"fd.name": "/bin/busybox"},
    ),
    Contained(
        "Adding ssh keys to authorized_keys", "sh", "/bin/mkdir -p /root/.ssh; echo >> /root/.ssh/authorized_keys",
        {"fd.name": "/root/.ssh/authorized_keys"},
    ),
)  # fmt: skip

SANDBOX: Final = (
    Contained(
        "Update Package Repository", "touch", "/bin/mkdir -p /etc/apt; /bin/touch /etc/apt/sources.list",
        {"fd.name": "/etc/apt/sources.list"},
    ),
    Contained("Write below binary dir", "touch", "/bin/touch /bin/perch", {"fd.name": "/bin/perch"}),
    Contained(
        "Write below monitored dir", "touch", "/bin/mkdir -p /usr/local/bin; /bin/touch /usr/local/bin/x",
        {"fd.name": "/usr/local/bin/x"},
    ),
    Contained("Write below etc", "touch", "/bin/touch /etc/perch", {"fd.name": "/etc/perch"}),
    Contained("Write below root", "touch", "/bin/touch /perch", {"fd.name": "/perch"}),
    Contained(
        "Write below rpm database", "touch", "/bin/mkdir -p /var/lib/rpm; /bin/touch /var/lib/rpm/x",
        {"fd.name": "/var/lib/rpm/x"},
    ),
    Contained(
        "Modify binary dirs", "rm", "/bin/touch /bin/gone; /bin/rm /bin/gone",
        {"evt.type": re.compile("^unlink(at)?$")},
    ),
    Contained("Mkdir binary dirs", "mkdir", "/bin/mkdir /bin/nest", {"evt.type": re.compile("^mkdir(at)?$")}),
    Contained(
        "Launch Sensitive Mount Container", "sleep", "", {"container.mounts": re.compile(":/host:")}, box="admin"
    ),
    Contained("Launch Disallowed Container", "sleep", ""),
    Contained(
        "Unexpected K8s NodePort Connection", "nc", _connect("203.0.113.1", 30080), {"fd.rport": 30080}, box="net"
    ),
    Contained(
        "Kubernetes Client Tool Launched in Container", "kubectl",
        "/bin/ln -s busybox /bin/kubectl; /bin/kubectl get pods",
        {"proc.cmdline": "kubectl get pods"},
    ),
    Contained(
        "Container Drift Detected (chmod)", "chmod", "/bin/touch /tmp/x; /bin/chmod 755 /tmp/x",
        {"evt.type": re.compile("^f?chmod(at)?$")},
    ),
    Contained(
        "Container Drift Detected (open+create)", "cp", "/bin/cp /bin/busybox /tmp/drift",
        {"evt.arg.name": "/tmp/drift"},
    ),
    Contained("Container Run as Root User", "sleep", "", {"user.uid": 0, "user.name": "root"}),
    Contained(
        "Modify Container Entrypoint", "sh", "exec 5> /tmp/five; : > /proc/self/fd/5", {"fd.name": "/proc/self/fd/5"}
    ),
    Contained(
        "Decoding Payload in Container", "base64", "echo aGk= | /bin/base64 -d", {"proc.cmdline": "base64 -d"}
    ),
    Contained(
        "Network Tool Executed During NPM Package Install", "nc",
        "printf '#!/bin/sh\\n/bin/nc -h\\n:' > /bin/npm; /bin/chmod 755 /bin/npm; npm install", {"proc.pname": "npm"},
    ),
    Contained(
        "Privileged Container Device Access", "cat", "/bin/mknod /dev/sdz b 7 0; /bin/cat /dev/sdz",
        {"fd.name": "/dev/sdz"},
        box="privileged",
    ),
    Contained(
        "Container Access to Host Sensitive Paths", "cat", "echo > /host/file; /bin/cat /host/file",
        {"fd.name": "/host/file"},
        box="admin",
    ),
)  # fmt: skip

CONTAINED: Final = STABLE + INCUBATING + SANDBOX
