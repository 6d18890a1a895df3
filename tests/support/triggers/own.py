"""Triggers of mozu's own rules on the host."""

import re
from typing import Final

from tests.support.triggers import Expected, Trigger
from tests.support.triggers.own_intrusions import INTRUSIONS, INTRUSIONS_NAMED
from tests.support.triggers.own_objects import OBJECTS, OBJECTS_NAMED
from tests.support.triggers.own_tools import NAMED, TOOLS


def elsewhere(act: str) -> tuple[str, ...]:
    """Return a script for which /etc, /var/log and /boot are empty folders of the test."""
    script = (
        "mkdir -p $TMP/etc $TMP/log $TMP/boot && mount --bind $TMP/etc /etc && mount --bind $TMP/log /var/log && "
        f"mount --bind $TMP/boot /boot && {{ {act}; }}"
    )
    return ("unshare", "--mount", "sh", "-c", script)


def _written(rule: str, path: str, by: str = "sh") -> Trigger:
    folder = path.rpartition("/")[0]
    return Trigger(rule, by, elsewhere(f"mkdir -p {folder}; echo x > {path}"), {"fd.name": path})


def _moved(rule: str, path: str) -> Trigger:
    folder = path.rpartition("/")[0]
    act = elsewhere(f"mkdir -p {folder}; echo x > {folder}/.made; mv {folder}/.made {path}; true")
    return Trigger(rule, "mv", act, {"fs.path.target": path})


def _linked(rule: str, path: str) -> Trigger:
    folder = path.rpartition("/")[0]
    act = elsewhere(f"mkdir -p {folder}; rm -f {path}; ln -s $TMP/none {path}; true")
    return Trigger(rule, "ln", act, {"evt.type": re.compile("symlink")})


def _named(rule: str, command: str, fields: Expected | None = None) -> Trigger:
    """Return a trigger whose command's name and arguments are enough: a program that does nothing runs in its place."""
    name = command.split()[0]
    act = f"cp /bin/true $TMP/{name}; $TMP/{command}"
    return Trigger(rule, name, act, {"proc.cmdline": command, **(fields or {})})


def _python(code: str) -> tuple[str, ...]:
    return ("$PYTHON", "-c", code)


def in_root(act: str) -> str:
    """Return code of a program whose root is a folder of the test."""
    folders = "for name in 'bin', 'root': os.makedirs(f'$TMP/rooted/{name}', exist_ok=True)"
    return f"import os\n{folders}\nos.chroot('$TMP/rooted')\n{act}"


def _rooted(act: str) -> tuple[str, ...]:
    return _python(in_root(act))


_CONNECTED: Final = (
    "import os, socket, threading\n"
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "end = socket.create_connection(server.getsockname())\n"
    "other, _ = server.accept(); other.sendall(b'exit\\n')\n"
)
_OUT: Final = "import socket; socket.create_connection(('203.0.113.1', 443))"
CHILD: Final = "import ctypes, os, signal, time\nlibc, pid = ctypes.CDLL(None), os.fork()\nif not pid: time.sleep(60)\n"
"""Code with a child that sleeps until its parent has acted on it and ended it, for a minute if the parent fails."""

HOST: Final = (
    Trigger(
        "Shell with a network connection as its terminal",
        re.compile("^(da)?sh$"),
        _python(_CONNECTED + "for n in 0, 1, 2: os.dup2(end.fileno(), n)\nos.execv('/bin/sh', ['sh'])"),
        {"proc.stdin.name": re.compile("127.0.0.1")},
    ),
    Trigger(
        "Network connection made a program's standard input or output",
        "python3",
        _python(_CONNECTED + "os.dup2(end.fileno(), 0)"),
        {"evt.type": re.compile("dup"), "fd.num": 0},
    ),
    Trigger(
        "Program with a network connection as its input and output",
        "true",
        _python(_CONNECTED + "for n in 0, 1: os.dup2(end.fileno(), n)\nos.execv('/bin/true', ['true'])"),
        {"proc.stdin.name": re.compile("127.0.0.1")},
    ),
    Trigger(
        "Interactive shell driven through pipes",
        re.compile("^(da)?sh$"),
        "mkfifo $TMP/fed; echo exit > $TMP/fed & sh < $TMP/fed | cat; rm $TMP/fed",
        {"proc.stdin.name": re.compile("/fed$")},
    ),
    Trigger("Code injected into a program by its environment", "bash", "BASH_ENV=/tmp/mozu-none bash -c true"),
    Trigger(
        "Code injected into a program by its environment",
        "true",
        "LD_LIBRARY_PATH=/opt:/tmp/mozu-none /bin/true",
        {"proc.env[LD_LIBRARY_PATH]": "/opt:/tmp/mozu-none"},
    ),
    Trigger(
        "Kernel protection changed",
        re.compile("^(da)?sh$"),
        ": >> /proc/sys/kernel/randomize_va_space",
        {"fd.name": "/proc/sys/kernel/randomize_va_space"},
    ),
    Trigger("Program named like a kernel thread", "kworker", "cp /bin/true $TMP/kworker; $TMP/kworker"),
    Trigger(
        "Log removed or emptied",
        "python3",
        _python("import ctypes; assert ctypes.CDLL(None).klogctl(4, ctypes.create_string_buffer(8), 0) == 0"),
        {"evt.type": "syslog"},
    ),
    Trigger(
        "Capability set on a file",
        "python3",
        _python(
            "import os, struct\nopen('$TMP/bound', 'w').close()\n"
            "os.setxattr('$TMP/bound', 'security.capability', struct.pack('<5I', 2 << 24, 128, 0, 0, 0))"
        ),
        {"evt.type": "setxattr", "evt.rawarg.path": re.compile("/bound$")},
    ),
    Trigger(
        "Set-user-ID bit set",
        "python3",
        _python("import os\nos.mknod('$TMP/owned', 0o104755)"),
        {"evt.type": re.compile("mknod"), "evt.rawarg.path": re.compile("/owned$")},
    ),
    Trigger(
        "Command history removed",
        "bash",
        "HISTFILE=/dev/null bash -c true",
        {"proc.env[HISTFILE]": "/dev/null"},
    ),
    Trigger(
        "Process hidden behind a mount",
        "python3",
        (
            *("unshare", "--mount"),
            *_python(
                "import ctypes\ncall = ctypes.CDLL(None).syscall\ntree = call(428, -100, b'/tmp', 1)\n"
                "assert call(429, tree, b'', -100, b'/proc/1', 4) == 0"
            ),
        ),
        {"evt.type": "move_mount", "evt.rawarg.newpath": "/proc/1"},
    ),
    Trigger(
        "Code in a temporary directory run by an interpreter or loader",
        re.compile("^(da)?sh$"),
        "echo exit > /tmp/mozu-test-z; cd /tmp; sh mozu-test-z; rm mozu-test-z",
        {"proc.cmdline": "sh mozu-test-z"},
    ),
    Trigger(
        "Process traced by an unexpected program",
        "python3",
        _python(CHILD + "if libc.ptrace(16, pid, 0, 0) == 0: os.waitpid(pid, 0)\nos.kill(pid, signal.SIGKILL)"),
        {"evt.type": "ptrace"},
    ),
    Trigger(
        "Memory of another process written",
        "python3",
        _python(
            "import ctypes\n" + CHILD + "text = ctypes.create_string_buffer(8)\n"
            "class Vector(ctypes.Structure): _fields_ = [('at', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
            "one = Vector(ctypes.addressof(text), 8)\n"
            "libc.process_vm_writev(pid, ctypes.byref(one), 1, ctypes.byref(one), 1, 0); os.kill(pid, signal.SIGKILL)"
        ),
    ),
    Trigger(
        "Process memory opened as a file",
        "dd",
        "dd if=/proc/$$$$/mem of=/dev/null count=0",
        {"fd.name": re.compile("^/proc/[0-9]+/mem$")},
    ),
    _written("Library preloaded into all programs", "/etc/ld.so.preload"),
    _linked("Library preloaded into all programs", "/etc/ld.so.preload"),
    Trigger("Editor wrote below root's home", "vim", ("$BIN/vim", "-c", in_root("open('/root/x', 'w')"))),
    Trigger("Library preloaded from a world-writable directory", "true", "LD_PRELOAD=/tmp/none.so /bin/true"),
    Trigger(
        "Download piped into a shell",
        re.compile("^(da)?sh$"),
        ("sh", "-c", "curl -s http://127.0.0.1:9/x | sh"),
    ),
    Trigger("Decoded text piped into a shell", re.compile("^(da)?sh$"), ("sh", "-c", "echo Og== | base64 -d | sh")),
    _named("Set-user-ID program started with an exploit's arguments", "pkexec"),
    Trigger(
        "userfaultfd used by an ordinary user",
        "python3",
        _python("import ctypes, os\nos.setuid(65534)\nctypes.CDLL(None).syscall(323, 1)"),
        {"user.uid": 65534},
    ),
    _written("Scheduled job changed", "/etc/cron.d/x"),
    _moved("systemd service or timer changed", "/etc/systemd/system/x.service"),
    _written("Shell start-up file changed", "/etc/profile.d/x.sh"),
    _written("Start-up file of all shells changed", "/etc/profile"),
    _moved("Desktop autostart entry changed", "/etc/xdg/autostart/x.desktop"),
    _written("Boot configuration changed", "/etc/udev/rules.d/x.rules"),
    _moved("sudo rules changed", "/etc/sudoers.d/x"),
    _linked("Login modules changed", "/etc/pam.d/x"),
    _written("SSH server configuration changed", "/etc/ssh/sshd_config"),
    _written("User database written by an unexpected program", "/etc/passwd"),
    _written("System program written", "/boot/x"),
    _written("Git hook changed", "/boot/r/.git/hooks/post-commit"),
    _linked("Python start-up hook changed", "/boot/site-packages/x.pth"),
    _written("File below /etc written by an unexpected program", "/etc/x.conf"),
    _written("SSH login key added", "/boot/.ssh/authorized_keys"),
    Trigger(
        "BPF program loaded by an unexpected program",
        "python3",
        _python(
            "import ctypes, struct\n"
            "code = ctypes.create_string_buffer(struct.pack('<QQ', 0xb7, 0x95), 16)\n"
            "word = ctypes.create_string_buffer(b'GPL')\n"
            "at = ctypes.addressof(code), ctypes.addressof(word)\n"
            "attr = struct.pack('<IIQQIIQ', 1, 2, *at, 0, 0, 0).ljust(128, b'\\0')\n"
            "assert ctypes.CDLL(None).syscall(321, 5, attr, 128) > 0"
        ),
    ),
    _written("Log removed or emptied", "/var/log/x.log"),
    _linked("Log removed or emptied", "/var/log/y.log"),
    Trigger("Log removed or emptied", "rm", elsewhere("touch /var/log/z.log; rm /var/log/z.log")),
    Trigger(
        "Log removed or emptied",
        "python3",
        elsewhere(
            "echo x > /var/log/e.log; $PYTHON -c \"import os; os.ftruncate(os.open('/var/log/e.log', os.O_WRONLY), 0)\""
        ),
        {"evt.type": "ftruncate", "fd.name": "/var/log/e.log"},
    ),
    Trigger("Command history removed", "rm", "echo > $TMP/.bash_history; rm $TMP/.bash_history"),
    _named("Security service stopped", "setenforce 0"),
    _written("Security service configuration changed", "/etc/audit/rules.d/x.rules"),
    Trigger("Set-user-ID bit set", "chmod", "cp /bin/true $TMP/s; chmod u+s $TMP/s"),
    Trigger("Set-group-ID bit set", "chmod", "cp /bin/true $TMP/g; chmod g+s $TMP/g"),
    Trigger(
        "Set-user-ID bit set",
        "python3",
        "cp /bin/true $TMP/f; $PYTHON -c \"import ctypes; ctypes.CDLL(None).syscall(452, -100, b'$TMP/f', 0o4755, 0)\"",
        {"evt.type": "fchmodat2"},
        call="fchmodat2",
    ),
    _named("Capability set on a file", "setcap cap_net_raw+ep x"),
    _named("Immutable attribute of a file changed", "chattr +i x"),
    _named("Kernel module loaded by hand", "insmod x.ko"),
    Trigger("File timestamp forged", "touch", "touch -r /bin/true $TMP/x"),
    Trigger(
        "Process hidden behind a mount",
        "mount",
        ("unshare", "--mount", "sh", "-c", "mkdir -p $TMP/empty; mount --bind $TMP/empty /proc/1"),
    ),
    _named("Network tool started with a program to run", "nc -e /bin/sh 127.0.0.1 9"),
    _named("Tunnel through SSH", "ssh -R 1:127.0.0.1:1 x.example"),
    _named("Tunnel over DNS or ICMP", "iodine x.example"),
    _named("Network scanned", "nmap 127.0.0.1"),
    _named("File uploaded by a transfer tool", "curl -T x http://127.0.0.1:9/"),
    _named("Files copied to a storage service", "rclone copy x remote:x"),
    _named("Cryptocurrency miner run", "xmrig"),
    Trigger("Files renamed as ransomware does", "mv", "echo > $TMP/a; mv $TMP/a $TMP/a.locked"),
    _named("Disk overwritten or file system removed", "shred /dev/none"),
    _named("File overwritten before it was removed", "shred -u x"),
    Trigger(
        "Interpreter or shell made itself root",
        "python3",
        "echo $DAEMON > /proc/self/loginuid; "
        'exec $PYTHON -c "import os; os.setresuid($DAEMON, $DAEMON, 0); os.setresuid(0, 0, 0)"',
        {"user.loginuid": re.compile("^[1-9]")},
    ),
    Trigger(
        "Kernel module loaded by an unexpected program",
        "python3",
        _python("import ctypes, os\nctypes.CDLL(None).syscall(313, os.open('/dev/null', 0), b'', 0)"),
        {"evt.type": "finit_module"},
        "finit_module",
    ),
    Trigger(
        "New kernel loaded by kexec",
        "python3",
        _python("import ctypes\nassert ctypes.CDLL(None).syscall(320, -1, -1, 0, 0, 1 << 31)"),
        {"evt.type": "kexec_file_load"},
        "kexec_file_load",
    ),
    Trigger(
        "Raw network packets read",
        "python3",
        _python("import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    ),
    Trigger(
        "Shell or netcat listens for connections",
        "nc",
        "ln -sf $PYTHON $TMP/nc; $TMP/nc -c \"import socket; socket.create_server(('127.0.0.1', 0))\"",
    ),
    Trigger("Password database read by an unexpected program", "head", "head -c1 /etc/shadow"),
    Trigger(
        "Secret of a user or service read by an unexpected program",
        "cat",
        "mkdir -p $TMP/.aws; echo > $TMP/.aws/credentials; cat $TMP/.aws/credentials",
    ),
    Trigger("Directory tree with secrets read", "tar", "mkdir -p $TMP/etc; tar cf /dev/null -C $TMP etc"),
    Trigger("Secrets searched for", "find", "find $TMP -name id_rsa"),
    Trigger(
        "Cloud metadata service requested by an unexpected program",
        "python3",
        _python(
            "import socket\nend = socket.socket()\nend.setblocking(False)\nend.connect_ex(('169.254.169.254', 80))"
        ),
    ),
    Trigger(
        "Browser or key ring credentials read",
        "cat",
        "d=$TMP/.gnupg/private-keys-v1.d; mkdir -p $$d; echo > $$d/k; cat $$d/k",
    ),
    Trigger(
        "Host private key read by an unexpected program",
        "cat",
        elsewhere("mkdir -p /etc/ssl/private; echo > /etc/ssl/private/x; cat /etc/ssl/private/x"),
    ),
    Trigger(
        "Private SSH key read by an unexpected program",
        "cat",
        "mkdir -p $TMP/.ssh; echo > $TMP/.ssh/id_rsa; cat $TMP/.ssh/id_rsa",
    ),
    Trigger("Environment of another process read", "cat", "cat /proc/$$$$/environ"),
    Trigger("Command history read by a tool", "cat", "echo > $TMP/.zsh_history; cat $TMP/.zsh_history"),
    _named("User added", "useradd x"),
    _named("Administrator rights given to a user", "usermod -aG sudo x"),
    Trigger(
        "Kernel helper program set on the host",
        re.compile("^(da)?sh$"),
        'v=$$(cat /proc/sys/kernel/core_pattern); echo "$$v" > /proc/sys/kernel/core_pattern',
    ),
    Trigger("Shell started by a network server", "dash", ("$BIN/nginx", "spawn", "$BIN/dash", "-c", "true")),
    Trigger(
        "Interactive shell started by an interpreter",
        re.compile("^(da)?sh$"),
        _python("import subprocess\nsubprocess.run(['sh'])"),
    ),
    Trigger("Program run from memory", "x", "cp /bin/true /dev/shm/x; /dev/shm/x; rm /dev/shm/x"),
    Trigger(
        "Program run from a temporary directory",
        "mozu-test-x",
        "cp /bin/true /tmp/mozu-test-x; /tmp/mozu-test-x; rm /tmp/mozu-test-x",
    ),
    Trigger(
        "Code in a temporary directory run by an interpreter or loader",
        re.compile("^(da)?sh$"),
        "echo exit > /tmp/mozu-test-y; sh /tmp/mozu-test-y; rm /tmp/mozu-test-y",
    ),
    Trigger(
        "Deleted or nameless code opened",
        "python3",
        _python(
            "import os, sys\nfd = os.memfd_create('x', 0)\nos.execv(sys.executable, ['python3', f'/proc/self/fd/{fd}'])"
        ),
        {"fd.realpath": re.compile("^/memfd:x")},
    ),
    Trigger(
        "Hidden directory in a world-writable place entered",
        re.compile("^(da)?sh$"),
        "mkdir -p /tmp/.mozu-test; cd /tmp/.mozu-test; rmdir /tmp/.mozu-test",
    ),
    Trigger(
        "io_uring created by an unexpected program",
        "python3",
        _python("import ctypes\nassert ctypes.CDLL(None).syscall(425, 1, bytes(120)) > 0"),
    ),
    _written("Static pod manifest written", "/etc/kubernetes/manifests/x.yaml"),
    Trigger(
        "File created below /dev", "touch", "touch /dev/mozu-test; rm /dev/mozu-test", {"fd.name": "/dev/mozu-test"}
    ),
    Trigger(
        "Symbolic link to secrets created", "ln", "ln -s /etc/shadow $TMP/secret", {"fs.path.target": "/etc/shadow"}
    ),
    Trigger(
        "Hidden file or directory created in a world-writable directory",
        "mkdir",
        "mkdir /tmp/.mozu-test-h; rmdir /tmp/.mozu-test-h",
    ),
    Trigger(
        "Directory of system programs changed",
        "python3",
        _rooted("os.mkdir('/bin/x')"),
        {"fs.path.name": "/bin/x"},
    ),
    Trigger(
        "Package database written",
        "python3",
        _rooted("os.makedirs('/var/lib/dpkg', exist_ok=True)\nopen('/var/lib/dpkg/status', 'w')"),
        {"fd.name": "/var/lib/dpkg/status"},
    ),
    Trigger(
        "File among libraries or local programs written",
        "python3",
        _rooted("os.makedirs('/usr/lib', exist_ok=True)\nopen('/usr/lib/x.so', 'w')"),
        {"fd.name": "/usr/lib/x.so"},
    ),
    Trigger("File below root's home written", "python3", _rooted("open('/root/y', 'w')"), {"fd.name": "/root/y"}),
    Trigger("Shell start-up file read by a tool", "cat", "echo > $TMP/.zshrc; cat $TMP/.zshrc"),
    Trigger(
        "SSH configuration read by a tool", "cat", "mkdir -p $TMP/.ssh; echo > $TMP/.ssh/config; cat $TMP/.ssh/config"
    ),
    Trigger(
        "Network used by a system tool",
        "sha1sum",
        f'ln -sf $PYTHON $TMP/sha1sum; $NET $TMP/sha1sum -c "{_OUT}"',
        {"fd.name": re.compile("->203.0.113.1:443$")},
    ),
    Trigger(
        "Outgoing connection of a shell or netcat",
        "bash",
        "$NET bash -c 'exec 3<>/dev/tcp/203.0.113.1/443'",
        {"fd.name": re.compile("->203.0.113.1:443$")},
    ),
    Trigger("Outgoing connection of code from the command line", "python3", f'$NET $PYTHON -c "{_OUT}"'),
    Trigger("SSH connection to another service's port", "ssh", "$NET $BIN/ssh connect 203.0.113.1 443"),
    Trigger("Program started by a database", "true", ("$BIN/mysqld", "spawn", "/bin/true", "x")),
    Trigger("Terminal or login of a system account", "login", ("$BIN/sshd", "as", "$DAEMON", "/bin/login")),
    Trigger(
        "Attempt to become root refused",
        "python3",
        _python("import os\nos.setuid($DAEMON)\ntry: os.setuid(0)\nexcept PermissionError: pass"),
    ),
    Trigger("C library tunables set", "true", "GLIBC_TUNABLES=glibc.malloc.check=1 /bin/true"),
    Trigger(
        "Program that refuses to be traced", "python3", _python("import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)")
    ),
    Trigger(
        "Namespace of another process entered on the host",
        "python3",
        _python("import ctypes, os; ctypes.CDLL(None).setns(os.open('/proc/self/ns/uts', 0), 0)"),
    ),
    Trigger("Transfer tool given a proxy", "curl", "HTTP_PROXY=http://127.0.0.1:9 $BIN/curl x"),
    Trigger(
        "Secrets mounted elsewhere",
        "mount",
        (
            "unshare",
            "--mount",
            "sh",
            "-c",
            "mkdir -p $TMP/lower $TMP/mounted && mount -t overlay x -o lowerdir=$TMP/lower:$BIN $TMP/mounted",
        ),
    ),
    Trigger("Secret renamed or linked", "mv", "mkdir -p $TMP/.aws $TMP/aside; mv $TMP/.aws $TMP/aside"),
    Trigger(
        "System file replaced",
        "python3",
        _python(
            "import ctypes\ncall = ctypes.CDLL(None).syscall\n"
            + in_root(
                "for name in '/root/a', '/b': open(name, 'w')\n"
                "call(316, -100, b'/root/a', -100, b'/b', 2)  # RENAME_EXCHANGE"
            )
        ),
        {"fs.path.source": "/root/a"},
    ),
    Trigger(
        "System directory covered by a mount",
        "mount",
        ("unshare", "--mount", "sh", "-c", "echo > $TMP/over; mount --bind $TMP/over /etc/passwd"),
        {"fs.path.target": "/etc/passwd"},
    ),
    Trigger(
        "Package manager started with a command to run",
        "apt-get",
        ("apt-get", "-o", "APT::Update::Pre-Invoke::=exit 1", "-o", "Dir::State::Lists=$TMP/lists", "update"),
    ),
    Trigger(
        "File opens watched by an unexpected program",
        "python3",
        _python(
            "import ctypes\ncall = ctypes.CDLL(None).syscall\n"
            "call(301, call(300, 0, 0), 1, ctypes.c_ulong(0x20), -100, b'$TMP')  # FAN_MARK_ADD, FAN_OPEN"
        ),
    ),
    *(_named(rule, command) for rule, command in (*NAMED, *INTRUSIONS_NAMED, *OBJECTS_NAMED)),
    *TOOLS,
    *INTRUSIONS,
    *OBJECTS,
)
"""Triggers in the order of the rules; a rule without one is explained in docs/rules/default-rules.md."""
