"""`mozu run --check`: which source would watch, and which capabilities the configuration uses."""

from pathlib import Path

import orjson
import pytest

from mozu.core.cli import invoke
from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ebpf import preflight

FEW = "enrichers: []\nevaluators: []\nsinks: []\n"


def checked(folder: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> tuple[int, str]:
    path = folder / "mozu.yaml"
    path.write_text(FEW + text)
    code = invoke(["run", "--check", "-c", str(path), *options])
    return code, capsys.readouterr().out


@pytest.fixture
def without_ebpf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which ebpf cannot start, and a process with one capability only."""
    monkeypatch.setattr(preflight, "problem", lambda code_cache: "this process lacks CAP_BPF")
    monkeypatch.setattr(linux_capabilities, "effective", lambda: 1 << linux_capabilities.NUMBERS["CAP_PERFMON"])


@pytest.mark.usefixtures("without_ebpf")
def test_the_source_that_would_watch_is_named_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = checked(tmp_path, capsys, "sources: [syscalls: {fallback: {ptrace: {command: [make]}}}]\n")

    assert out.splitlines()[:2] == [
        "source syscalls: ebpf cannot start: this process lacks CAP_BPF", "source syscalls: ptrace can start",
    ]  # fmt: skip
    assert 0 == code


@pytest.mark.usefixtures("without_ebpf")
def test_without_a_source_that_can_start_the_exit_code_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = checked(tmp_path, capsys, "sources: [syscalls: {fallback: none}]\n")

    assert (1, ["source syscalls: ebpf cannot start: this process lacks CAP_BPF"]) == (code, out.splitlines()[:1])


@pytest.mark.usefixtures("without_ebpf")
def test_each_capability_says_who_uses_it_whether_it_is_held_and_what_fails_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "sources: [ebpf, falco_http: {listen: '127.0.0.1:80', token: none}]\n"

    code, out = checked(tmp_path, capsys, text, "--json")

    found = orjson.loads(out)
    lines = {(one["component"], one["capability"]): one for one in found["capabilities"]}
    assert (1, False) == (code, found["can_start"])
    assert {"CAP_BPF": False, "CAP_PERFMON": True} == {
        name: lines["source ebpf", name]["held"] for name in ("CAP_BPF", "CAP_PERFMON")
    }
    bind = lines["source falco_http", "CAP_NET_BIND_SERVICE"]
    assert (True, False, "listen at 127.0.0.1:80") == (bind["required"], bind["held"], bind["purpose"])
    assert ("the state", "CAP_SYS_PTRACE") in lines


def test_a_configuration_that_needs_no_capability_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = checked(tmp_path, capsys, "sources: [replay: {files: [/x]}]\n")

    assert (0, "source replay can start\nNo capability is needed.\n") == (code, out)
