"""Ways to the same end: shells on a connection, programs started from public directories, reads of the password
database, files written to places from which they run later, secrets read by tools under other names.

Each is a script of Python that runs on the host and in a container that has the host's programs.
"""

import os
import shlex
import sys
from typing import Final

from tests.support.triggers.ways.executions import EXECUTIONS
from tests.support.triggers.ways.names import NAMES
from tests.support.triggers.ways.reads import READS
from tests.support.triggers.ways.shells import SHELLS
from tests.support.triggers.ways.writes import WRITES

_PLACES: Final = tuple(filter(os.path.isdir, dict.fromkeys(("/usr", "/lib", "/lib64", sys.base_prefix))))
BOX: Final = (
    *("--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN", "--cap-add", "DAC_READ_SEARCH"),
    *("--security-opt", "seccomp=unconfined", "--tmpfs", "/dev/shm:rw,exec,mode=1777"),
    *(word for place in _PLACES for word in ("--volume", f"{place}:{place}:ro")),
)
"""Options of docker for a container that has the host's interpreters, and in which io_uring is not forbidden."""
CTR_BOX: Final = (
    "--net-host",  # the loopback of a private network is down
    *(word for name in ("SYS_ADMIN", "DAC_READ_SEARCH") for word in ("--cap-add", f"CAP_{name}")),
    *("--mount", "type=tmpfs,src=tmpfs,dst=/dev/shm,options=rw:mode=1777"),
    *(word for place in _PLACES for word in ("--mount", f"type=bind,src={place},dst={place},options=rbind:ro")),
)
"""Options of containerd for the same container."""
WAYS: Final = (*SHELLS, *EXECUTIONS, *READS, *WRITES, *NAMES)


def marker(number: int) -> str:
    """Return the marker in the command line of a way's script, or of its parent."""
    return f"mozu-way-{number:03d}"


def scripts(python: str) -> list[str]:
    """Return scripts for sh in a container that go all ways: several scripts, since an argument may have 128 KiB."""
    quiet, inside = "exec < /dev/null > /dev/null 2>&1", "export MOZU_BOX=1"
    shadow = "[ -e /etc/shadow ] || echo 'root:*:1::::::' > /etc/shadow"
    lines = list(map(shlex.join, commands(python, "/")))
    return ["\n".join([quiet, inside, shadow, *lines[at : at + 32]]) for at in range(0, len(lines), 32)]


def commands(python: str, root: str) -> list[list[str]]:
    """Return a command for each of WAYS; `root`: directory for writes, on the host a directory of the test.

    The shell stays as the parent, known by its marker.
    """
    made = []
    for number, way in enumerate(WAYS):
        mark = marker(number)
        code = way.code.replace("MARK", mark).replace("ROOT", root)
        made.append(["sh", "-c", '"$@"; :', mark, python, "-c", f"# {mark}\n{code}"])
    return made
