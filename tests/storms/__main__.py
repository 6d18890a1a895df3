"""python -m tests.storms [--containers 300] [--together 20] [--only NAME] [--socket there|silent|absent] [--troubles N]

Storms of every runtime with its socket, with a socket that never answers, and with none. With --troubles the runtime's
server is killed, restarted, or loses its socket N times meanwhile, in turns; --troubles 0 has no trouble.
`--only bundles` has no runtime, for counts that none reaches in minutes.
Prints a table in Markdown; ends with 1 if an alert lacks a field or a container has no alert.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.storms.bundles import BundleStand
from tests.storms.outcome import HEAD, TROUBLE_HEAD, row, trouble_row
from tests.storms.stands import ContainerdStand, CriStand, DockerStand, PodmanStand, Stand
from tests.storms.storm import SOCKETS, storm
from tests.storms.trouble import troubled
from tests.support.containerd import Containerd
from tests.support.cri import Pods
from tests.support.docker import DockerEngine
from tests.support.podman import Podman
from tests.support.remains import without_remains


@contextmanager
def docker_stand() -> Iterator[Stand]:
    """Yield a stand on a docker engine of its own."""
    engine = DockerEngine()
    try:
        engine.start()
        yield DockerStand(engine)
    finally:
        engine.destroy()


@contextmanager
def containerd_stand() -> Iterator[Stand]:
    """Yield a stand on a containerd of its own."""
    server = Containerd()
    try:
        server.start()
        yield ContainerdStand(server)
    finally:
        server.destroy()


@contextmanager
def cri_stand() -> Iterator[Stand]:
    """Yield a stand of pods on a containerd of its own."""
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
    """Yield a stand of podman with storage of its own."""
    podman = Podman()
    try:
        yield PodmanStand(podman)
    finally:
        podman.destroy()


@contextmanager
def bundle_stand() -> Iterator[Stand]:
    """Yield a stand of bundles in a state directory of its own."""
    stand = BundleStand()
    try:
        yield stand
    finally:
        stand.destroy()


STANDS: Final[dict[str, Callable[[], AbstractContextManager[Stand]]]] = {
    "docker": docker_stand,
    "ctr": containerd_stand,
    "cri": cri_stand,
    "podman": podman_stand,
    "bundles": bundle_stand,
}
RUNTIMES: Final = ("docker", "ctr", "cri", "podman")


def main() -> int:
    """Run the storms, print the table, and return the exit status: 0 if every alert says what it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--containers", type=int, default=300)
    parser.add_argument("--together", type=int, default=20)
    parser.add_argument("--only", choices=STANDS, action="append", default=[])
    parser.add_argument("--socket", choices=SOCKETS, action="append", default=[])
    parser.add_argument("--troubles", type=int)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # its children end with it
    print(TROUBLE_HEAD if options.troubles is not None else HEAD, flush=True)
    bad = 0
    for name in options.only or RUNTIMES:
        with ExitStack() as stack:
            stack.enter_context(without_remains())
            stand = stack.enter_context(STANDS[name]())
            stand.prepare()
            if options.troubles is not None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mozu-storm-")))
                trouble = troubled(stand, folder, containers=options.containers, together=options.together,
                                   troubles=options.troubles)  # fmt: skip
                print(trouble_row(stand, trouble), flush=True)
                bad += bool(trouble.storm.faults(stand))
                continue
            for socket in options.socket or SOCKETS:
                if stand.socket is None and socket != "there":
                    continue
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mozu-storm-")))
                path = stack.enter_context(SOCKETS[socket](folder))
                found = storm(stand, folder, containers=options.containers, together=options.together,
                              socket_path=path, prefix=socket)  # fmt: skip
                print(row(stand, found, "none" if stand.socket is None else socket), flush=True)
                bad += bool(found.faults(stand))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
