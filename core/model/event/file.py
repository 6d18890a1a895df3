"""An open file: the object behind a descriptor."""

import msgspec

Address = bytes
"""An IP address in network order: 4 bytes (IPv4) or 16 (IPv6)."""


class SockAddr(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A socket address as given to a call. For unix sockets `path` (abstract names begin with NUL)."""

    family: int
    """AF_* number of the running kernel."""
    address: Address = b""
    port: int = 0
    path: str = ""


class SockTuple(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The two ends of a socket. `source` is the end that connected (the client), `dest` the one that was connected to.

    For unix sockets the addresses are the kernel's pointers as numbers and `path` is the server's name.
    """

    family: int
    source: Address = b""
    sport: int = 0
    dest: Address = b""
    dport: int = 0
    path: str = ""
    source_pointer: int = 0
    dest_pointer: int = 0


class File(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A version of the object behind a descriptor; replaced by connect, bind, accept …, never changed."""

    kind: str
    """The value of the field `fd.type`: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify,
    timerfd, netlink, bpf, userfaultfd, io_uring, memfd, pidfd, unknown. `unknown` is a known descriptor of a type that
    no event named (it prints `<NA>`). The empty text is used in events that asked for a path and got no descriptor (a
    failed open): then only `name` and `raw` have a meaning."""
    name: str = ""
    """The field `fd.name`: a path made absolute and normalised lexically, or the text of a socket tuple."""
    raw: str = ""
    """The path as given to the call (`fd.nameraw`)."""
    realpath: str | None = None
    """The path that the kernel reached, symlinks followed, as seen from the process's own root; None if unknown."""
    flags: int = 0
    """Open flags in Falco's numbering (`core.model.syscalls` table `file_flags`)."""
    dev: int = 0
    """Device number, major << 20 | minor as in the kernel (the events' parameter `dev` is encoded differently)."""
    ino: int = 0
    upper_layer: bool = False
    lower_layer: bool = False
    sock: SockTuple | None = None
    """Addresses, for sockets that have any."""
    protocol: str = ""
    """Transport of an IP socket: tcp, udp, icmp, raw; empty if unknown."""
    l4proto: str | None = None
    """The field `fd.l4proto` of an IP socket: `protocol` once it has a role (raw even before), otherwise `<NA>`. None
    for anything but an IP socket."""
    role: str = ""
    """The role of the socket: client, server, listening, or empty if the stream did not show it."""
    connected: bool = False
    name_changed: bool = False
    """True in the event that changed the name (an unconnected datagram socket that was given a peer)."""
