"""The id of this machine, by which SIEMs distinguish hosts and join reports of several agents about one.

`/etc/machine-id` (machine-id(5)) is what Elastic's agents report as `host.id`, so that their documents and mozu's join.
"""

import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

_FILES: Final = ("etc/machine-id", "var/lib/dbus/machine-id")
_DIGITS: Final = 32


def host_id(hostname: str) -> str:
    """Return the machine's id, 32 hexadecimal digits; one made of `hostname` if the machine has none.

    In a container that has the host's root directory in `HOST_ROOT`, as Falco's has, it is the host's id.
    """
    for root in filter(None, (os.environ.get("HOST_ROOT"), "/")):
        for name in _FILES:
            try:
                text = (Path(root) / name).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                continue
            if len(text) == _DIGITS and set(text) <= set("0123456789abcdef"):
                return text
    return blake2b(hostname.encode("utf-8", "surrogateescape"), digest_size=16, person=b"mozu host").hexdigest()


def agent_id(host: str) -> str:
    """Return the id of the mozu of a host: the same for each run, and different from any other agent's."""
    return blake2b(host.encode("utf-8", "surrogateescape"), digest_size=16, person=b"mozu agent").hexdigest()
