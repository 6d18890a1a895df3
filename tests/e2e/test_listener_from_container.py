"""Root of a container connects to mozu's listener from the container's own network: it learns nothing, and occupies no
slot.
"""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.support.containerd import Containerd, containerd
from tests.support.ports import free_port
from tests.support.running import PATIENCE, mozu_run
from tests.support.triggers.ways import CTR_BOX

__all__ = ["containerd"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(180)]

TOKEN: Final = "a-token-of-the-test-that-is-long"
HOST: Final = "127.0.0.1"
PEERS: Final = 12
"""Number of loopback addresses that the connections come from."""
PER_PEER: Final = 8
_HOLDS: Final = """
import socket, sys, time
host, port, way, peers, per_peer = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
said = {"half": b"GET /metrics HTTP/1.1\\r\\nHost: x\\r\\n",
        "healthz": b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
        "guess": b"GET /metrics HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer guess\\r\\n\\r\\n"}[way]
held = []
for number in range(peers * per_peer):
    one = socket.socket()
    one.settimeout(5)
    try:
        one.bind((host.rpartition(".")[0] + f".{10 + number % peers}", 0))
        one.connect((host, port))
        one.sendall(said)
        held.append(one)
    except OSError:
        pass
print("held", len(held), flush=True)
time.sleep(100)  # holds its connections until the test ends it
"""


@pytest.fixture
def container(containerd: Containerd) -> Iterator[str]:
    """Yield a container of containerd's in the network of the host: mozu's address cannot be reached from another
    network.
    """
    containerd.begin("asking", *CTR_BOX)
    yield "asking"
    containerd.remove("asking")


def asked(port: int, page: str, token: str) -> int:
    """Return the status that a scraper of the host gets."""
    request = urllib.request.Request(f"http://{HOST}:{port}{page}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return int(answer.status)


@pytest.mark.parametrize("way", ["half", "healthz", "guess"])
def test_connections_of_a_container_leave_room_for_the_host(
    containerd: Containerd, container: str, way: str, tmp_path: Path
) -> None:
    port = free_port()
    with ExitStack() as ended:
        running = ended.enter_context(
            mozu_run(tmp_path, "-o", f'http.listen="{HOST}:{port}"', "-o", f'http.token="{TOKEN}"')
        )
        script = [os.path.realpath(sys.executable), "-c", _HOLDS, HOST, str(port), way, str(PEERS), str(PER_PEER)]
        attacker = ended.enter_context(
            subprocess.Popen(
                ["ctr", "--address", str(containerd.socket), "tasks", "exec", "--exec-id", "asks", container, *script],
                stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        ended.callback(attacker.kill)
        assert attacker.stdout is not None
        assert attacker.stdout.readline() == f"held {PEERS * PER_PEER}\n"
        statuses = [asked(port, page, TOKEN) for page in ("/metrics", "/status", "/metrics")]
        assert statuses == [200, 200, 200]
        running.stop()
