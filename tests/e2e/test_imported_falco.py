"""Keys of Falco's that concern the kernel's events, of an imported configuration that watches this machine."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.falco_receivers import lasting_run
from tests.support.requirements import ebpf

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(180)]

RULES: Final = """
- rule: Marked write
  desc: The program under test writes.
  condition: evt.type = write and evt.buffer startswith "marked of an import"
  output: "written %evt.buffer"
  priority: NOTICE
"""
TEXT: Final = "marked of an import " + "x" * 160 + " end"
RING_BUFFER: Final = 27
"""Number of BPF_MAP_TYPE_RINGBUF (linux/bpf.h)."""


def ring_sizes(pid: int) -> list[int]:
    """Return the sizes of the ring buffers that a process has open, in bytes (/proc/PID/fdinfo)."""
    found = []
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        values = dict(re.findall(r"(?m)^(map_type|max_entries):\s*(\d+)", path.read_text()))
        if values.get("map_type") == str(RING_BUFFER):
            found.append(int(values["max_entries"]))
    return found


def test_the_kernels_events_are_read_with_the_length_and_the_buffer_that_the_keys_say(tmp_path: Path) -> None:
    ebpf()
    (tmp_path / "rules.yaml").write_text(RULES)
    tree = {
        "engine": {"kind": "modern_ebpf", "modern_ebpf": {"buf_size_preset": 2}}, "falco_libs": {"snaplen": 200},
        "rules_files": [str(tmp_path / "rules.yaml")], "stdout_output": {"enabled": True}, "log_stderr": True,
    }  # fmt: skip
    with lasting_run(tmp_path, tree, "sources.syscalls.fallback=none") as run:
        run.wait(lambda: "watching" in run.stderr, "mozu watches")
        assert 2 << 20 in ring_sizes(run.process.pid)
        subprocess.run(["sh", "-c", f"echo '{TEXT}' > {tmp_path}/written"], check=True)
        run.wait(lambda: f"written {TEXT}" in run.stdout, "the whole text in an alert")
