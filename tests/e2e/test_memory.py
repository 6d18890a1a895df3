"""Memory that a running mozu with the default configuration does not use."""

import re
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.support.requirements import corpus, ebpf
from tests.support.running import mozu_run

pytestmark = pytest.mark.ebpf

RING = 8 << 20
ACCOUNTS = wire.size("account") * wire.map_constant("ACCOUNT_PLACES")
"""Size of the other large map that is mapped."""


def test_no_compiler_no_client_library_and_the_ring_buffer_once(tmp_path: Path) -> None:
    ebpf()
    rules = ("-r", str(corpus("falco-rules", "falco_rules.yaml")))
    with mozu_run(tmp_path, *rules, "-o", f"sources.syscalls.source.ebpf.ring_size={RING}") as mozu:
        maps = Path(f"/proc/{mozu.process.pid}/maps").read_text()
        mozu.stop()

    assert not re.search("libLLVM|libbcc|libclang|aiohttp|aiokafka", maps)
    rings = [line.split()[0].split("-") for line in maps.splitlines() if line.endswith("anon_inode:bpf-map")]
    sizes = [int(end, 16) - int(start, 16) for start, end in rings]
    assert RING <= sum(sizes) < RING + ACCOUNTS + (1 << 16)
