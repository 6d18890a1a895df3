"""`mozu sources`: the events that mozu can see on this machine."""

from pathlib import Path

import orjson
import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.cli import invoke
from mozu.plugins.sources.ebpf import visibility


def test_each_source_has_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["sources", "--json"]) == 0

    found = {one["name"]: one["visibility"] for one in orjson.loads(capsys.readouterr().out)["sources"]}
    assert {"ebpf", "ptrace", "replay", "kafka", "falco_http"} <= found.keys()
    assert all({"what", "seen", "why"} == line.keys() and line["why"] for lines in found.values() for line in lines)
    assert {"32-bit calls", "x32 calls", "io_uring requests"} <= {line["what"] for line in found["ebpf"]} or not any(
        line["what"].startswith("tracepoints") and line["seen"] for line in found["ebpf"]
    )


def test_the_table_has_a_row_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["sources"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["SOURCE", "WHAT", "SEEN", "WHY"]
    assert any(line.startswith("ptrace") and "io_uring requests" in line and " no " in line for line in lines)


def test_event_types_without_a_tracepoint_are_named(tmp_path: Path) -> None:
    lines = list(visibility._families(tmp_path))

    gone = {name for line in lines if not line.seen for name in line.why.split("for ")[1].split(", ")}
    assert gone == SYSCALL_SPECS.keys() - {"_fork", "_cgroup"}
