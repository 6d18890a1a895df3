"""Triggers on the host."""

import re
from typing import Final

from tests.support.triggers import Trigger

_LISTEN: Final = "import socket; s = socket.create_server(('203.0.113.1', 0)); "

STABLE: Final = (
    Trigger(
        "Read sensitive file untrusted", "cat", "cat /etc/shadow",
        {"fd.name": "/etc/shadow", "proc.cmdline": "cat /etc/shadow", "user.name": "root", "evt.type": "openat"},
    ),
    Trigger(
        "Directory traversal monitored file read", "python3",
        ("$PYTHON", "-c", "open('/etc/ssl/../../etc/passwd')"),
        {"fd.name": "/etc/passwd", "fd.nameraw": "/etc/ssl/../../etc/passwd"},
    ),
    Trigger(
        "Read sensitive file trusted after startup", "nginx", ("$BIN/nginx", "open", "6", "/etc/shadow"),
        {"fd.name": "/etc/shadow", "proc.cmdline": "nginx open 6 /etc/shadow"},
    ),
    Trigger(
        "Run shell untrusted", "dash", ("$BIN/nginx", "spawn", "$BIN/dash", "-c", "true"),
        {"proc.pname": "nginx", "proc.pexepath": "$BIN/nginx", "proc.exepath": "$BIN/dash"},
    ),
    Trigger(
        "System user interactive", "true", ("$BIN/sshd", "as", "$DAEMON", "/bin/true"),
        {"user.name": "daemon", "user.uid": 1, "proc.pname": "sshd"},
    ),
    Trigger(
        "Search Private Keys or Passwords", "find", ("find", "$TMP", "-name", "id_rsa"),
        {"proc.cmdline": "find $TMP -name id_rsa"},
    ),
    Trigger(
        "Find AWS Credentials", "find", ("find", "$TMP", "-path", "*/.aws/credentials"),
        {"group.gid": 0, "group.name": "root", "user.loginname": "<NA>"},
    ),
    Trigger("Remove Bulk Data from Disk", "shred", "shred --version", {"proc.cmdline": "shred --version"}),
    Trigger(
        "Create Symlink Over Sensitive Files", "ln", "ln -s /etc/shadow $TMP/link",
        {"evt.arg.target": "/etc/shadow", "evt.arg.linkpath": "$TMP/link"},
    ),
    Trigger(
        "Create Hardlink Over Sensitive Files", "ln", "ln /etc/shadow /etc/mozu-test-link; rm -f /etc/mozu-test-link",
        {"evt.arg.oldpath": "/etc/shadow", "evt.arg.newpath": "/etc/mozu-test-link"},
    ),
    Trigger(
        "PTRACE attached to process", "python3",
        (
            "$PYTHON", "-c",
            "import ctypes, os, signal, time\n"
            "libc, pid = ctypes.CDLL(None), os.fork()\n"
            "if not pid: time.sleep(60)\n"
            "libc.ptrace(16, pid, 0, 0); os.waitpid(pid, 0); os.kill(pid, signal.SIGKILL)",
        ),
        {"evt.type": "ptrace"},
    ),
    Trigger(
        "PTRACE anti-debug attempt", "python3",
        ("$PYTHON", "-c", "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"), {"evt.type": "ptrace"},
    ),
    Trigger(
        "Execution from /dev/shm", "mozu-test",
        "cp $BIN/crontab /dev/shm/mozu-test; /dev/shm/mozu-test; rm /dev/shm/mozu-test",
        {"proc.exepath": "/dev/shm/mozu-test", "evt.res": "SUCCESS"},
    ),
    Trigger(
        "Fileless execution via memfd_create", re.compile("^(memfd:x|[0-9]+)$"),
        (
            "$PYTHON", "-c",
            "import os\n"
            "fd = os.memfd_create('x'); os.write(fd, open('$BIN/crontab', 'rb').read())\n"
            "os.execve(fd, ['ghost'], {})",
        ),
        {"proc.exepath": "/memfd:x", "evt.res": "SUCCESS"},
    ),
    Trigger(
        "Disallowed SSH Connection Non Standard Port", "ssh", "$NET $BIN/ssh connect 203.0.113.1 443",
        {"fd.name": re.compile(r"->203\.0\.113\.1:443$"), "fd.rport": 443, "fd.l4proto": "tcp", "fd.type": "ipv4"},
    ),
)  # fmt: skip

INCUBATING: Final = (
    Trigger("Modify Shell Configuration File", "touch", "touch $TMP/.bashrc", {"fd.name": "$TMP/.bashrc"}),
    Trigger("Schedule Cron Jobs", "crontab", "$BIN/crontab -l", {"proc.cmdline": "crontab -l"}),
    Trigger(
        "DB program spawned process", "true", ("$BIN/mysqld", "spawn", "/bin/true", "x"),
        {"proc.pname": "mysqld", "proc.cmdline": "true x"},
    ),
    Trigger(
        "Change thread namespace", "python3",
        ("$PYTHON", "-c", "import ctypes; ctypes.CDLL(None).setns(open('/proc/self/ns/uts').fileno(), 0)"),
        {"evt.type": "setns"},
    ),
    Trigger(
        "System procs network activity", "bash", "$NET bash -c 'exec 3<>/dev/tcp/203.0.113.1/443'",
        {"fd.rport": 443, "fd.l4proto": "tcp", "evt.type": "connect"},
    ),
    Trigger(
        "Program run with disallowed http proxy env", "curl", "HTTP_PROXY=http://127.0.0.1:9 $BIN/curl x",
        {"proc.env": re.compile(r"(^| )HTTP_PROXY=http://127\.0\.0\.1:9( |$)"), "proc.cmdline": "curl x"},
    ),
    Trigger(
        "Unexpected UDP Traffic", "python3",
        "$NET $PYTHON -c \"import socket; socket.socket(2, 2).connect(('203.0.113.1', 5353))\"",
        {"fd.rport": 5353, "fd.l4proto": "udp", "fd.type": "ipv4"},
    ),
    Trigger(
        "Non sudo setuid", "python3",
        (
            "$PYTHON", "-c",
            "import os\nos.setuid($DAEMON)\ntry: os.setuid(0)\nexcept PermissionError: pass",
        ),
        {"user.name": "daemon", "user.uid": 1, "evt.arg.uid": "root"},
    ),
    Trigger("User mgmt binaries", "useradd", "$BIN/useradd x", {"proc.cmdline": "useradd x", "container.id": "host"}),
    Trigger("Launch Suspicious Network Tool on Host", "nc", "$BIN/nc -h", {"proc.cmdline": "nc -h"}),
    Trigger(
        "Delete or rename shell history", "rm", "touch $TMP/.bash_history; rm $TMP/.bash_history",
        {"evt.arg.name": "$TMP/.bash_history", "evt.type": "unlinkat"},
    ),
    Trigger(
        "Set Setuid or Setgid bit", "chmod", "touch $TMP/s; chmod 4755 $TMP/s",
        {"evt.arg.filename": "$TMP/s", "evt.arg.mode": re.compile("S_ISUID"), "evt.type": "fchmodat"},
    ),
    Trigger(
        "Potential Local Privilege Escalation via Environment Variables Misuse", "true",
        "GLIBC_TUNABLES=glibc.malloc.check=1 /bin/true y",
        {"proc.env": re.compile("GLIBC_TUNABLES=glibc.malloc.check=1"), "proc.cmdline": "true y"},
    ),
    Trigger(
        "Backdoored library loaded into SSHD (CVE-2024-3094)", "sshd",
        "touch $TMP/liblzma.so.5.6.1; $BIN/sshd open 0 $TMP/liblzma.so.5.6.1", {"fd.name": "$TMP/liblzma.so.5.6.1"},
    ),
    Trigger(
        "BPF Program Not Profiled", "python3",
        ("$PYTHON", "-c", "import ctypes; ctypes.CDLL(None).syscall(321, 5, bytes(48), 48)"),
        {"evt.arg.cmd": "BPF_PROG_LOAD", "evt.type": "bpf"},
    ),
)  # fmt: skip

SANDBOX: Final = (
    Trigger(
        "Unexpected inbound connection source", "python3",
        f"$NET $PYTHON -c \"{_LISTEN}c = socket.create_connection(s.getsockname()); s.accept()\"",
        {"fd.name": re.compile(r"^203\.0\.113\.1:\d+->203\.0\.113\.1:\d+$"), "fd.type": "ipv4", "evt.type": "accept4"},
    ),
    Trigger("Read Shell Configuration File", "cat", "touch $TMP/.zshrc; cat $TMP/.zshrc", {"fd.name": "$TMP/.zshrc"}),
    Trigger(
        "Interpreted procs inbound network activity", "python3",
        f"$NET $PYTHON -c \"{_LISTEN}c = socket.create_connection(s.getsockname()); s.accept()\"",
        {"evt.type": "listen"},
    ),
    Trigger(
        "Interpreted procs outbound network activity", "python3",
        "$NET $PYTHON -c \"import socket; socket.create_connection(('203.0.113.1', 443))\"",
        {"evt.type": "connect", "fd.rport": 443},
    ),
    Trigger(
        "Create Hidden Files or Directories", "mkdir", "mkdir $TMP/.hidden", {"evt.type": re.compile("^mkdir(at)?$")}
    ),
    Trigger(
        "Detect outbound connections to common miner pool ports", "bash",
        "$NET bash -c 'exec 3<>/dev/tcp/203.0.113.1/443'",
        {"fd.name": re.compile(r"->203\.0\.113\.1:443$"), "fd.rport": 443, "fd.l4proto": "tcp"},
    ),
    Trigger(
        "Detect outbound connections to common miner pool ports", "python3",
        "$NET $PYTHON -c \"import socket; socket.socket(2, 2).connect(('203.0.113.1', 3333))\"",
        {"fd.name": re.compile(r"->203\.0\.113\.1:3333$"), "fd.rport": 3333, "fd.l4proto": "udp"},
    ),
    Trigger(
        "Detect crypto miners using the Stratum protocol", "true", "/bin/true stratum+tcp://203.0.113.1",
        {"proc.cmdline": "true stratum+tcp://203.0.113.1"},
    ),
    Trigger(
        "Sudo Potential Privilege Escalation", "sudoedit", "$BIN/sudoedit -s 'x\\'", {"proc.cmdline": "sudoedit -s x\\"}
    ),
    Trigger(
        "Unprivileged Delegation of Page Faults Handling to a Userspace Process", "python3",
        ("$PYTHON", "-c", "import ctypes, os; os.setuid($DAEMON); ctypes.CDLL(None).syscall(323, 1)"),
        {"user.uid": 1, "evt.type": "userfaultfd"},
    ),
    Trigger(
        "Polkit Local Privilege Escalation Vulnerability (CVE-2021-4034)", "pkexec", "$BIN/pkexec",
        {"proc.args": "", "user.loginuid": -1},
    ),
    Trigger(
        "Java Process Class File Download", "java",
        "$BIN/java -c \"import socket\n"
        "s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname())\n"
        "s.accept()[0].send(bytes.fromhex('cafebabe')); c.recv(64)\"",
        {"evt.type": "recvfrom", "fd.type": "ipv4"},
    ),
    Trigger(
        "Basic Interactive Reconnaissance", "whoami", ("$PYTHON", "-c", "import pty; pty.spawn(['whoami'])"),
        {"proc.cmdline": "whoami"},
    ),
    Trigger(
        "Netcat/Socat Remote Code Execution on Host", "nc", "$BIN/nc -e /bin/sh",
        {"proc.cmdline": "nc -e /bin/sh"},
    ),
    Trigger("Known Cryptominer Process Executed", "xmrig", "$BIN/xmrig -o x", {"proc.cmdline": "xmrig -o x"}),
    Trigger(
        "Web Server Spawned Shell", "dash", ("$BIN/nginx", "spawn", "$BIN/dash", "-c", ":"),
        {"proc.pname": "nginx"},
    ),
    Trigger(
        "Web Server Spawned Suspicious Child Process", "id", ("$BIN/nginx", "spawn", "/usr/bin/id", "-u"),
        {"proc.pname": "nginx", "proc.cmdline": "id -u"},
    ),
    Trigger(
        "Reverse Shell from Web Server", "true", ("$BIN/nginx", "spawn", "/bin/true", "bash -i"),
        {"proc.pname": "nginx", "proc.cmdline": "true bash -i"},
    ),
)  # fmt: skip

HOST: Final = STABLE + INCUBATING + SANDBOX
