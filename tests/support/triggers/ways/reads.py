"""Ways to read the password database in its place.

Those that mount or change the root are gone in containers and, on the host, in a mount namespace whose root is a file
system in memory with a separate database.
"""

from typing import Final

from tests.support.triggers.ways.way import HEAD, RING, Way

READ: Final = frozenset({"Password database read by an unexpected program"})
_MOUNTED: Final = frozenset({"File system mounted in a container", "Secrets mounted elsewhere"})
_BY_HANDLE: Final = READ | {"File opened by handle in a container"}
_MOVED: Final = frozenset({"Secret renamed or linked"})
_HEAD: Final = (
    HEAD
    + """
import tempfile
AT, FILE = -100, "/etc/shadow"
folder = tempfile.mkdtemp()
mount = ctypes.CDLL(None).mount
def private_root():
    global folder
    if os.environ.get("MOZU_BOX"):
        return
    os.makedirs("ROOT", exist_ok=True)
    assert ctypes.CDLL(None).unshare(0x20000) == 0
    assert mount(None, b"/", None, 0x44000, None) == 0  # MS_REC | MS_PRIVATE
    assert mount(b"x", b"ROOT", b"tmpfs", 0, None) == 0
    for name in "etc", "tmp", "before":
        os.mkdir(f"ROOT/{name}")
    open("ROOT/etc/shadow", "w").write("root:*:1::::::")
    os.chdir("ROOT")
    assert call(155, b".", b"before") == 0
    os.chroot("."); os.chdir("/")
    folder = tempfile.mkdtemp()
def is_read(fd):
    assert fd >= 0
    os.close(fd)
"""
)
_BITS: Final = """
code = bytes.fromhex("53 b805000000 89fb 89f1 31d2 cd80 5b c3")  # open(path, flags) of the 32-bit table, by int 0x80
place = ctypes.CDLL(None).mmap
place.restype, place.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
low = place(None, 4096, 7, 0x62, -1, 0)  # MAP_32BIT | MAP_ANONYMOUS | MAP_PRIVATE
ctypes.memmove(low, code, len(code)); ctypes.memmove(low + 256, FILE.encode() + b"\\0", len(FILE) + 1)
is_read(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, ctypes.c_uint)(low)(low + 256, 0))
"""
_HANDLE: Final = """
for path in FILE, "/usr/bin/true":  # an overlay has no handles; a mounted directory of the host has
    handle, number = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0), 136), ctypes.c_int()
    if call(303, AT, path.encode(), handle, ctypes.byref(number), 0) == 0:
        is_read(call(304, os.open(os.path.dirname(path), os.O_RDONLY), handle, 0))
        break
else:
    raise OSError
"""
_PASSED: Final = """
left, right = socket.socketpair()
if not os.fork():
    socket.send_fds(left, [b"x"], [os.open(FILE, 0)]); os._exit(0)
left.close()
is_read(socket.recv_fds(right, 1, 1)[1][0])
"""
_FETCHED: Final = """
import signal
read, write = os.pipe()
pid = os.fork()
if not pid:
    os.write(write, bytes([os.open(FILE, 0)])); signal.pause()
fd = os.read(read, 1)[0]
try:
    is_read(call(438, os.pidfd_open(pid), fd, 0))
finally:
    os.kill(pid, 9)
"""
_OVERWRITTEN: Final = """
path = ctypes.create_string_buffer(b"/etc/hostname", 32)
def overwrite():
    while True:
        path.value = b"/etc/hostname"
threading.Thread(target=overwrite, daemon=True).start()
for _ in range(1000):
    path.value = FILE.encode()
    fd = call(257, AT, path, 0)
    reached = os.readlink(f"/proc/self/fd/{fd}") if fd >= 0 else ""
    if fd >= 0: os.close(fd)
    if reached == FILE: break
else:
    raise OSError
"""
_NAMED: Final = (
    "os.symlink(sys.executable, f'{folder}/NAME')\n"
    "subprocess.run([f'{folder}/NAME', '-c', 'open(\"/etc/shadow\") # MARK'])"
)


_FANOTIFY: Final = """
group = call(300, 0, 0)
assert group >= 0 and call(301, group, 1, ctypes.c_uint64(0x20), AT, FILE.encode()) == 0  # FAN_MARK_ADD, FAN_OPEN
child(lambda: os.open(FILE, 0))
is_read(struct.unpack_from("=IBBHQi", os.read(group, 4096))[5])
"""
_NEW_OVERLAY: Final = """
os.mkdir(f"{folder}/d")
made = call(430, b"overlay", 0)
assert call(431, made, 1, b"lowerdir", f"/etc:{folder}/d".encode(), 0) == 0 == call(431, made, 6, None, None, 0)
is_read(os.open("shadow", 0, dir_fd=call(432, made, 0, 0)))
"""
_KEY: Final = """
os.makedirs("/root/.ssh", exist_ok=True)
if not os.path.exists("/root/.ssh/id_rsa"): open("/root/.ssh/id_rsa", "w")
"""


def _read(by: str, act: str, rules: frozenset[str] = READ) -> Way:
    return Way("read of the password database", by, rules, f"{_HEAD}{RING}{act}")


def _apart(by: str, act: str, rules: frozenset[str] = READ) -> Way:
    """Return a way that mounts or changes the root."""
    return _read(by, f"private_root()\n{act}", rules)


def _key(by: str, act: str) -> Way:
    """Return a way that reads a private key under its new name."""
    return Way("read of a private key", by, _MOVED, f"{_HEAD}private_root()\n{_KEY}{act}")


READS: Final = (
    _read("open", "is_read(call(2, FILE.encode(), 0))"),
    _read("openat", "is_read(os.open(FILE, 0))"),
    _read("openat2", "is_read(call(437, AT, FILE.encode(), struct.pack('=3Q', 0, 0, 0), 24))"),
    _read("a call of the 32-bit table", _BITS),
    _read("io_uring", "ring_open(FILE, 0)"),
    _read("io_uring with SQPOLL", "ring_open(FILE, 0, setup=2)"),
    _read("io_uring into its own table", "ring_open(FILE, 0, files=1)"),
    _read("a symbolic link to the file", "os.symlink(FILE, f'{folder}/x'); is_read(os.open(f'{folder}/x', 0))"),
    _read(
        "a symbolic link to the directory",
        "os.symlink('/etc', f'{folder}/d'); is_read(os.open(f'{folder}/d/shadow', 0))",
    ),
    _read("a hard link", "os.link(FILE, f'{folder}/x'); os.unlink(f'{folder}/x')"),
    _read("/proc/self/root", "is_read(os.open(f'/proc/self/root{FILE}', 0))"),
    _read("/proc/self/cwd", "os.chdir('/etc'); is_read(os.open('/proc/self/cwd/shadow', 0))"),
    _read("/proc/self/fd", "fd = os.open('/etc', 0); is_read(os.open(f'/proc/self/fd/{fd}/shadow', 0))"),
    _read("a path of 4,000 bytes", "is_read(os.open('/etc/' + './' * 1994 + 'shadow', 0))"),
    _read("its handle", _HANDLE, _BY_HANDLE),
    _read("a descriptor that is passed", _PASSED),
    _read("pidfd_getfd", _FETCHED),
    _read("an argument that is overwritten", _OVERWRITTEN),
    _read("a program named apt", _NAMED.replace("NAME", "apt")),
    _read("a program named sshd", _NAMED.replace("NAME", "sshd")),
    _read("a program named runc", _NAMED.replace("NAME", "runc")),
    _read("a program named exe", _NAMED.replace("NAME", "exe")),
    _read(
        "a shell named apt that reads commands",
        "os.symlink('/usr/bin/dash', f'{folder}/apt')\n"
        "subprocess.run([f'{folder}/apt', '-s', '/usr/bin/apt'], input=f'read x < {FILE}'.encode())",
    ),
    _read("a text that agetty shows", "pty.spawn(['/usr/sbin/agetty', '--show-issue', '--issue-file', FILE, '-'])"),
    _read(
        "a hook of apt",
        "subprocess.run(['/usr/bin/apt-get', '-o', f'APT::Update::Pre-Invoke::=cat {FILE}; exit 1',\n"
        "    '-o', f'Dir::State::Lists={folder}/lists', 'update'])",
        frozenset({"Package manager started with a command to run"}),
    ),
    _read(
        "a descriptor from fanotify",
        _FANOTIFY,
        frozenset({"File opens watched by an unexpected program"}),
    ),
    _apart(
        "a bind mount",
        "assert mount(b'/etc', folder.encode(), None, 4096, None) == 0\nis_read(os.open(f'{folder}/shadow', 0))",
    ),
    _apart("chroot", "os.chroot('/etc'); is_read(os.open('/shadow', 0))"),
    _apart("open_tree", "fd = call(428, AT, b'/etc', 1); is_read(os.open('shadow', 0, dir_fd=fd))"),
    _apart(
        "an overlay",
        "os.mkdir(f'{folder}/d'); os.mkdir(f'{folder}/m')\n"
        "assert mount(b'x', f'{folder}/m'.encode(), b'overlay', 1, f'lowerdir=/etc:{folder}/d'.encode()) == 0\n"
        "is_read(os.open(f'{folder}/m/shadow', 0))",
        _MOUNTED,
    ),
    _apart("an overlay by fsmount", _NEW_OVERLAY, _MOUNTED),
    _apart("a rename", "os.rename(FILE, '/tmp/x'); open('/tmp/x').close(); os.rename('/tmp/x', FILE)"),
    _key("a rename", "os.rename('/root/.ssh/id_rsa', '/tmp/x'); os.rename('/tmp/x', '/root/.ssh/id_rsa')"),
    _key("a rename of the directory", "os.rename('/root/.ssh', '/root/x'); os.rename('/root/x', '/root/.ssh')"),
    _key("a hard link", "os.link('/root/.ssh/id_rsa', '/root/x'); os.unlink('/root/x')"),
)
"""Ways of reading. A file of an overlay has the path of the overlay, whatever its layers are; the mount is what is
seen."""
