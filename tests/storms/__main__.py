"""python -m tests.storms [--containers 300] [--together 20] [--only NAME] [--kills 0]

Every runtime, with and without its socket. With --kills its server is killed and started so often meanwhile.
Prints a table in Markdown; ends with 1 where an alert says less than it must.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.storms.outcome import HEAD, TROUBLE_HEAD, row, trouble_row
from tests.storms.stands import ContainerdStand, CriStand, DockerStand, PodmanStand, Stand
from tests.storms.storm import IDENTITY, silent_socket, storm
from tests.storms.trouble import troubled
from tests.support.containerd import Containerd
from tests.support.cri import Pods
from tests.support.docker import DockerEngine
from tests.support.podman import Podman


@contextmanager
def docker_stand() -> Iterator[Stand]:
    """A docker engine of its own."""
    engine = DockerEngine()
    try:
        engine.start()
        yield DockerStand(engine)
    finally:
        engine.destroy()


@contextmanager
def containerd_stand() -> Iterator[Stand]:
    """A containerd of its own."""
    server = Containerd()
    try:
        server.start()
        yield ContainerdStand(server)
    finally:
        server.destroy()


@contextmanager
def cri_stand() -> Iterator[Stand]:
    """Pods on a containerd of its own."""
    server = Containerd()
    pods = Pods(server)
    try:
        server.start()
        server.build_sandbox("k8s.io")
        yield CriStand(pods)
    finally:
        pods.destroy()
        server.destroy()


@contextmanager
def podman_stand() -> Iterator[Stand]:
    """Storage of its own."""
    podman = Podman()
    try:
        yield PodmanStand(podman)
    finally:
        podman.destroy()


STANDS: Final[dict[str, Callable[[], AbstractContextManager[Stand]]]] = {
    "docker": docker_stand,
    "ctr": containerd_stand,
    "cri": cri_stand,
    "podman": podman_stand,
}


def main() -> int:
    """0 where every alert says what it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--containers", type=int, default=300)
    parser.add_argument("--together", type=int, default=20)
    parser.add_argument("--only", choices=STANDS, action="append", default=[])
    parser.add_argument("--socket", choices=("there", "silent", "both"), default="both")
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what was started ends with it
    print(TROUBLE_HEAD if options.kills else HEAD, flush=True)
    bad = 0
    for name in options.only or STANDS:
        with ExitStack() as stack:
            stand = stack.enter_context(STANDS[name]())
            stand.prepare()
            if options.kills:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mozu-storm-")))
                trouble = troubled(stand, folder, containers=options.containers, together=options.together,
                                   kills=options.kills, needed=IDENTITY)  # fmt: skip
                print(trouble_row(stand, trouble), flush=True)
                bad += bool(trouble.storm.missing())
                continue
            for silent in (False, True):
                if options.socket == ("there" if silent else "silent"):
                    continue
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mozu-storm-")))
                path = stack.enter_context(silent_socket(folder)) if silent else None
                found = storm(stand, folder, containers=options.containers, together=options.together,
                              socket_path=path, prefix=f"storm{int(silent)}")  # fmt: skip
                print(row(stand, found, silent=silent), flush=True)
                bad += bool(found.missing() or found.wrong(*IDENTITY))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
