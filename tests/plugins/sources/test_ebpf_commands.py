"""`mozu ebpf`: the code cache ahead of time, and from one machine to another."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from mozu.core.cli import invoke
from mozu.plugins.sources.ebpf import compiler
from tests.support import requirements

pytestmark = pytest.mark.ebpf


def run(place: Path, *arguments: str) -> int:
    return invoke(["ebpf", "-o", option(place), *arguments])


def option(place: object) -> str:
    """The default configuration, with another code cache."""
    return f"sources.syscalls.source.ebpf.code_cache={place}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A code cache with everything in it, which no test changes."""
    requirements.ebpf()
    place = tmp_path_factory.mktemp("built") / "cache"
    assert run(place, "build") == 0
    return place


@pytest.fixture(scope="module")
def bundle(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundle") / "kernel.bundle"
    assert run(built, "export", str(file)) == 0
    return file


def test_a_second_build_has_nothing_to_do(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(built, "build") == 0
    out = capsys.readouterr().out
    assert f", 0 compiled; {built}" in out
    assert int(out.split()[0]) > 30


def test_two_builds_at_once_both_end_well(tmp_path: Path, built: Path) -> None:
    place = tmp_path / "cache"
    command = [sys.executable, "-m", "mozu", "ebpf", "-o", option(place), "build"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate(), process.returncode) for process in both]

    for (_, said), code in ends:
        assert code == 0 or "another mozu writes there" in said
    assert {file.name for file in built.iterdir()} == {file.name for file in place.iterdir()}


def test_what_is_kept_is_listed_with_what_is_wrong(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "cache"
    shutil.copytree(built, place)
    torn = next(place.glob("mozu_open_exit-*"))
    torn.write_bytes(torn.read_bytes()[:-1])

    assert run(place, "show", "--json") == 0
    found = orjson.loads(capsys.readouterr().out)
    problems = {one["file"]: one["problem"] for one in found["files"] if one["problem"]}
    assert (str(place), [torn.name]) == (found["place"], list(problems))
    assert run(place, "show") == 0
    assert f"{len(found['files'])} files, {len(found['files']) - 1} of them for this kernel" in capsys.readouterr().out


def test_an_empty_cache_is_listed_as_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requirements.ebpf()
    assert run(tmp_path / "nothing", "show") == 0
    assert "0 files" in capsys.readouterr().out


def test_a_bundle_makes_a_machine_without_a_compiler_start(
    bundle: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiler, "_PLACES", ())
    monkeypatch.setattr(compiler.find_compiler, "__defaults__", ((),))
    place = tmp_path / "cache"
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()

    assert run(place, "import", str(bundle), "--sha256", digest) == 0
    assert {file.name for file in built.iterdir()} == {file.name for file in place.iterdir()}
    assert run(place, "build") == 0
    assert ", 0 compiled" in capsys.readouterr().out


def test_a_bundle_with_another_digest_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "cache", "import", str(bundle), "--sha256", "0" * 64) == 1
    assert "has the SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_a_damaged_bundle_is_refused(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torn = tmp_path / "torn.bundle"
    torn.write_bytes(bundle.read_bytes()[:-1])

    assert run(tmp_path / "cache", "import", str(torn)) == 1
    assert "cannot be imported: its content does not have the digest" in capsys.readouterr().err


def test_a_bundle_of_another_kernel_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = os.uname()
    other = os.uname_result((here.sysname, here.nodename, "6.99.0", here.version, here.machine))
    monkeypatch.setattr(os, "uname", lambda: other)

    assert run(tmp_path / "cache", "import", str(bundle)) == 1
    assert f"not for this machine: it is for another kernel ({here.release}" in capsys.readouterr().err


def test_a_bundle_of_another_version_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mozu.plugins.sources.ebpf.codegen.HEADERS", {"include/linux/types.h": "changed"})

    assert run(tmp_path / "cache", "import", str(bundle)) == 1
    assert "the bundle is of another version of mozu" in capsys.readouterr().err


def test_nothing_to_export_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requirements.ebpf()
    (tmp_path / "cache").mkdir(mode=0o700)
    assert run(tmp_path / "cache", "export", str(tmp_path / "bundle")) == 1
    assert "run mozu ebpf build first" in capsys.readouterr().err


def test_a_configuration_without_a_cache_has_nothing_to_build(capsys: pytest.CaptureFixture[str]) -> None:
    requirements.ebpf()
    assert invoke(["ebpf", "-o", option("null"), "build"]) == 1
    assert "code_cache: null" in capsys.readouterr().err
