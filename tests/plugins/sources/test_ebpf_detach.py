"""After a stop, and after a death by kill -9, no program is left in the kernel."""

import ctypes
import os
import signal
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support.acts import opens
from tests.support.live import Live, context, demand
from tests.support.requirements import ebpf
from tests.support.running import mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(180)]

PATIENCE = 60.0
_PROG_GET_NEXT_ID = 11

RULES = """
- rule: Never
  desc: Every call is watched.
  condition: proc.name = no-such-name-anywhere
  output: never
  priority: INFO
"""
CONFIG = "{{enrichers: [], evaluators: [falco: {{rules: [{0}/rules.yaml]}}], sinks: [stdout], state_dir: {0}/state}}"


def programs() -> set[int]:
    """Return the id of every BPF program in the kernel."""
    libc, found, last = ctypes.CDLL(None, use_errno=True), set[int](), 0
    while True:
        attributes = ctypes.create_string_buffer(struct.pack("<III", last, 0, 0), 12)
        if libc.syscall(321, _PROG_GET_NEXT_ID, attributes, 12) < 0:
            return found
        last = struct.unpack_from("<I", attributes, 4)[0]
        found.add(last)


def gone(fresh: set[int]) -> bool:
    """Return True if the kernel has freed these programs: it does so in the background."""
    end = time.monotonic() + PATIENCE
    while fresh & programs():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)  # the kernel does not report when a program is freed
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_program_outlives_mozu(tmp_path: Path, number: signal.Signals) -> None:
    ebpf()
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "mozu.yaml").write_text(CONFIG.format(tmp_path))
    before = programs()
    with mozu_run(tmp_path, "-c", str(tmp_path / "mozu.yaml")) as running:
        fresh = programs() - before
        assert len(fresh) > 20
        running.process.send_signal(number)
        running.process.wait(PATIENCE)
    assert gone(fresh)


def test_no_program_outlives_a_source_whose_process_goes_on() -> None:
    ebpf()
    before = programs()
    with Live(EbpfSource(8 << 20, context()), demand("openat", "connect", "kill")) as live:
        fresh = programs() - before
        assert fresh
        assert live.act(opens.opened, "openat", -100, "/etc/hostname", os.O_RDONLY, 0).of("openat")
    assert gone(fresh)


def test_the_counters_are_final_and_add_up_when_the_source_has_stopped() -> None:
    ebpf()
    source = EbpfSource(8 << 20, context())
    with Live(source, demand("openat")) as live:
        live.act(opens.opened, "openat", -100, "/etc/hostname", os.O_RDONLY, 0)
    first = source.counts()["openat"]
    assert first.seen == first.filtered + first.lost + (first.missed or 0) + first.received
    os.listdir("/")
    assert source.counts()["openat"] == first


@pytest.mark.parametrize(("name", "waits"), [("chdir", False), ("splice", True)])
def test_the_program_of_the_selftest_is_detached_before_its_call_is_watched(
    monkeypatch: pytest.MonkeyPatch, name: str, waits: bool
) -> None:
    ebpf()
    detach = bpf_syscall.detach_all
    left: list[int] = []

    def noted(found: Sequence[int]) -> None:
        left.extend(found)
        detach(found)

    monkeypatch.setattr(bpf_syscall, "detach_all", noted)
    loader = Loader(1 << 16)
    try:
        loader.prepare([name])
        assert len(left) == (0 if waits else 1)
    finally:
        loader.close()
