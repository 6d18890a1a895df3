"""`mozu run --check`: the source that would watch, the rules for which the kernel would kill, its capabilities."""

from pathlib import Path

import orjson
import pytest

from mozu.core.cli import invoke
from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ebpf import visibility

FEW = "enrichers: []\nevaluators: []\nsinks: []\n"


def checked(folder: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> tuple[int, str]:
    path = folder / "mozu.yaml"
    path.write_text(FEW + text)
    code = invoke(["run", "--check", "-c", str(path), *options])
    return code, capsys.readouterr().out


@pytest.fixture
def without_ebpf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a machine on which ebpf cannot start, and a process with one capability only."""
    monkeypatch.setattr(visibility, "problem", lambda btf_file: "this process lacks CAP_BPF")
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
    (tmp_path / "recorded.scap").touch()
    code, out = checked(tmp_path, capsys, f"sources: [replay: {{files: [{tmp_path}/recorded.scap]}}]\n")

    assert (0, "source replay can start\nNo capability is needed.\n") == (code, out)


RULES = [
    {"rule": name, "desc": "d", "condition": f"evt.type = openat and {test}", "output": "o", "priority": "INFO"}
    for name, test in (("Reached", "fd.realpath = /x"), ("Given", "fd.name = /x"))
]


def test_rules_of_a_responder_that_may_kill_in_the_kernel_are_named_with_who_does_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visibility, "problem", lambda btf_file: None)
    (tmp_path / "rules.yaml").write_bytes(orjson.dumps(RULES))
    text = (
        f"sources: [ebpf]\nevaluators: [falco: {{rules: [{tmp_path}/rules.yaml]}}]\n"
        "responders: [kill: {where: either, rules: ['*']}, kill: {id: user, rules: ['*']}]\n"
    )
    path = tmp_path / "mozu.yaml"
    path.write_text("enrichers: []\nsinks: []\n" + text)
    code = invoke(["run", "--check", "-c", str(path)])

    assert [
        "responder kill: 'Reached': the kernel kills at openat",
        "responder kill: 'Given': mozu kills, not the kernel: of openat it does not decide fd.name = /x for good",
    ] == [line for line in capsys.readouterr().out.splitlines() if line.startswith("responder")]
    assert 0 == code


def test_without_a_source_that_could_start_the_kernel_kills_for_no_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visibility, "problem", lambda btf_file: "this process lacks CAP_BPF")
    (tmp_path / "rules.yaml").write_bytes(orjson.dumps(RULES[:1]))
    path = tmp_path / "mozu.yaml"
    path.write_text(
        f"enrichers: []\nsinks: []\nsources: [syscalls]\nevaluators: [falco: {{rules: [{tmp_path}/rules.yaml]}}]\n"
        "responders: [kill: {where: kernel, rules: [Reached]}]\n"
    )
    invoke(["run", "--check", "--json", "-c", str(path)])

    assert [
        {
            "responder": "kill", "rule": "Reached", "action": "kill", "types": [],
            "reason": "of openat no source acts in the kernel",
        }
    ] == orjson.loads(capsys.readouterr().out)["kernel_kills"]  # fmt: skip
