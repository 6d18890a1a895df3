"""A runtime that a storm is of: how its containers are run, and how mozu is told where it is."""

from pathlib import Path
from typing import Protocol

from tests.storms.image import IMAGE, PROGRAM, layer
from tests.support.containerd import Containerd, docker_archive
from tests.support.docker import DockerEngine
from tests.support.podman import Podman


class Stand(Protocol):
    """One runtime with the image of the storm."""

    name: str

    def prepare(self) -> None:
        """Give it the image."""

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""

    def enricher(self, socket: Path | None) -> str:
        """The entry of the configuration, as YAML; another socket than its own where one is given."""

    def kill(self) -> None:
        """SIGKILL to its server, if it has one."""

    def start(self) -> None:
        """Start it again."""


class DockerStand:
    """`docker run --rm`."""

    name = "docker"

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine
        self.start, self.kill = engine.start, engine.kill

    def prepare(self) -> None:
        """Give it the image."""
        self.engine.docker("import", "-", IMAGE, stdin=layer())

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.engine.run(PROGRAM, image=IMAGE, options=("--name", name))

    def enricher(self, socket: Path | None) -> str:
        """Its socket and its files."""
        return f"docker: {{socket: {socket or self.engine.socket}, data_root: {self.engine.data_root}}}"


class ContainerdStand:
    """`ctr run --rm`."""

    name = "containerd (ctr)"

    def __init__(self, server: Containerd) -> None:
        self.server = server
        self.start, self.kill = server.start, server.kill

    def prepare(self) -> None:
        """Give it the image."""
        archive = self.server.root / "first.tar"
        archive.write_bytes(docker_archive(layer(), IMAGE))
        self.server.ctr("images", "import", "--snapshotter", "native", archive)

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.server.ctr("run", "--rm", "--snapshotter", "native", IMAGE, name, PROGRAM)

    def enricher(self, socket: Path | None) -> str:
        """Its socket and its state directory."""
        places = f"state: {self.server.state}, root: {self.server.root / 'root'}"
        return f"containerd: {{socket: {socket or self.server.socket}, {places}}}"


class PodmanStand:
    """`podman run --rm`; it has no server."""

    name = "podman"

    def __init__(self, podman: Podman) -> None:
        self.podman = podman

    def prepare(self) -> None:
        """Give it the image."""
        self.podman.podman("import", "-", IMAGE, stdin=layer())

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.podman.run("--name", name, command=(PROGRAM,), image=IMAGE)

    def enricher(self, socket: Path | None) -> str:
        """Its storage."""
        return f"podman: {{storage: [{self.podman.storage}]}}"

    def start(self) -> None:
        """Nothing to start."""

    def kill(self) -> None:
        """Nothing to end."""
