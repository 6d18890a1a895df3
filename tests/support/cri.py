"""Pods on a private containerd, by its CRI plugin; they share the host's network, so no network plugin is needed.

The client is as small as the protocol allows: fields by the numbers of `runtime.v1`.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Final

import pytest

from mozu.core.common.grpc_calls import GrpcCalls
from mozu.core.common.protobuf import data_of, decode, flag_field, integer, message_field, text, text_field
from tests.support.containerd import Containerd
from tests.support.docker import IMAGE, PATIENCE
from tests.support.requirements import require
from tests.support.split import needs_live

_RUNTIME: Final = "/runtime.v1.RuntimeService"
_NODE: Final = b"\x02"
"""NamespaceMode NODE as a varint."""
_NAMESPACE: Final = "k8s.io"
_EXITED: Final = 2
"""ContainerState CONTAINER_EXITED."""


class Pods:
    """A client that makes pods and containers by calls of CRI. Remove every pod with `remove`."""

    def __init__(self, server: Containerd) -> None:
        self.server = server
        self._numbers = count(1)
        self._configs: dict[str, bytes] = {}
        """Id of a sandbox → its configuration."""
        self._options: dict[str, bytes] = {}
        """Id of a sandbox → its NamespaceOption, which its containers get too."""

    def pod(
        self,
        name: str,
        *,
        namespace: str = "shop",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        host_pid: bool = False,
        privileged: bool = False,
        uid: str = "",
    ) -> str:
        """Run the sandbox of a pod; return its id. `uid`: by default an unused one."""
        uid = uid or f"00000000-0000-4000-8000-{next(self._numbers):012d}"
        options = b"\x08" + _NODE + (b"\x10" + _NODE if host_pid else b"\x10\x01")
        context = message_field(1, options) + flag_field(6, value=privileged)
        config = (
            message_field(1, text_field(1, name) + text_field(2, uid) + text_field(3, namespace))
            + text_field(3, str(self.server.root / "logs"))
            + _map(6, labels)
            + _map(7, annotations)
            + message_field(8, message_field(2, context))
        )
        answer = self._call("RunPodSandbox", message_field(1, config))
        sandbox = text(decode(answer), 1)
        self._configs[sandbox], self._options[sandbox] = config, options
        return sandbox

    def container(
        self,
        sandbox: str,
        name: str,
        *command: str,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        mounts: Mapping[str, str] | None = None,
        privileged: bool = False,
        start: bool = True,
        image: str = IMAGE,
    ) -> str:
        """Make a container in a pod and start it; return its id. `mounts`: source → destination, read only."""
        security = flag_field(2, value=privileged) + message_field(3, self._options[sandbox])
        config = (
            message_field(1, text_field(1, name))
            + message_field(2, text_field(1, image))
            + b"".join(text_field(3, word) for word in command or ("sleep", "1000"))
            + b"".join(
                message_field(7, text_field(1, to) + text_field(2, source) + flag_field(3, value=True))
                for source, to in (mounts or {}).items()
            )
            + _map(9, labels)
            + _map(10, annotations)
            + text_field(11, f"{name}.log")
            + message_field(15, message_field(2, security))
        )
        request = text_field(1, sandbox) + message_field(2, config) + message_field(3, self._configs[sandbox])
        container = text(decode(self._call("CreateContainer", request)), 1)
        if start:
            self.start(container)
        return container

    def start(self, container: str) -> None:
        """Start a container that was made."""
        self._call("StartContainer", text_field(1, container))

    def ended(self, container: str) -> None:
        """Wait until a container has run to its end."""
        deadline = time.monotonic() + PATIENCE
        request = text_field(1, container)
        while integer(decode(data_of(decode(self._call("ContainerStatus", request)), 1)), 3) != _EXITED:
            assert time.monotonic() < deadline, f"the container {container} has not ended"
            time.sleep(0.02)  # CRI has no call that waits

    def exec(self, container: str, *command: str) -> bytes:
        """Run a command in a container, as probes of the kubelet do (ExecSync); return its standard output."""
        words = b"".join(text_field(2, word) for word in command)
        answer = decode(self._call("ExecSync", text_field(1, container) + words))
        assert integer(answer, 3) == 0, data_of(answer, 2).decode()
        return data_of(answer, 1)

    def pid(self, container: str) -> int:
        """Return the pid of the first process of a running container, or of a sandbox."""
        return self.server.pid(container, _NAMESPACE)

    def remove_container(self, container: str) -> None:
        """Kill and remove a container."""
        self._call("StopContainer", text_field(1, container))
        self._call("RemoveContainer", text_field(1, container))

    def remove(self, *sandboxes: str) -> None:
        """Stop and remove pods with all of their containers."""
        for sandbox in sandboxes:
            self._call("StopPodSandbox", text_field(1, sandbox))
            self._call("RemovePodSandbox", text_field(1, sandbox))
            self._configs.pop(sandbox, None)
            self._options.pop(sandbox, None)

    def destroy(self) -> None:
        """Remove all remaining pods and containers."""
        self.remove(*self._configs)

    def _call(self, method: str, request: bytes) -> bytes:
        async def call() -> bytes | None:
            calls = GrpcCalls(self.server.socket, PATIENCE)
            try:
                return await calls.call(f"{_RUNTIME}/{method}", request)
            finally:
                calls.close()

        answer = asyncio.run(call())
        assert answer is not None, f"{method}: not found"
        return answer


def _map(number: int, entries: Mapping[str, str] | None) -> bytes:
    return b"".join(
        message_field(number, text_field(1, key) + text_field(2, value)) for key, value in (entries or {}).items()
    )


def _pods() -> Iterator[Pods]:
    require(os.geteuid() == 0, "a containerd of one's own needs root")
    for name, package in (("containerd", "containerd"), ("runc", "runc")):
        require(shutil.which(name) is not None, f"{name} is not installed ({package})")
    server = Containerd()
    pods = Pods(server)
    try:
        server.start()
        server.build(_NAMESPACE)
        server.build_sandbox(_NAMESPACE)
        yield pods
    finally:
        pods.destroy()
        server.destroy()


@pytest.fixture(scope="session")
@needs_live
def pods() -> Iterator[Pods]:
    """Yield pods on a containerd with its CRI plugin, for all tests of a session."""
    yield from _pods()


@pytest.fixture
@needs_live
def own_pods() -> Iterator[Pods]:
    """Yield the same as `pods` for a test that stops and starts the containerd."""
    yield from _pods()
