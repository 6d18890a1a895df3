"""C becomes instructions in a child: what goes wrong there is one sentence here."""

import ctypes
import os
import sys
from pathlib import Path

import pytest

from mozu.core.errors import SourceUnavailable
from mozu.plugins.sources.ebpf import compile_child, compiler
from mozu.plugins.sources.ebpf.compiler import BpfCompiler, find_compiler, needed_compiler
from tests.support import requirements

_CREATE_RULESET, _GET_VERSION = 444, 1
"""landlock_create_ruleset(2) and LANDLOCK_CREATE_RULESET_VERSION."""
NOTHING = "int nothing(void *context) { return 0; }"


def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> BpfCompiler:
    """A compiler whose child does what `text` says."""
    program = tmp_path / "child.py"
    program.write_text(text)
    monkeypatch.setattr(compile_child, "__file__", str(program))
    return BpfCompiler(tmp_path / "libbcc.so.0")


def test_a_compiler_that_is_absent_is_reported_with_its_packages(tmp_path: Path) -> None:
    assert find_compiler((str(tmp_path),)) is None
    with pytest.raises(SourceUnavailable, match=r"no compiler \(libbcc.so.0\): install libbpfcc .*import"):
        needed_compiler((str(tmp_path),))


def test_a_compiler_is_reported_from_others_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "libbcc.so.0.26.0").write_bytes(b"12345")
    (tmp_path / "libbcc.so.0").symlink_to("libbcc.so.0.26.0")

    found = find_compiler((str(tmp_path / "nowhere"), str(tmp_path)))

    assert found is not None
    assert "libbcc.so.0.26.0 of 5 bytes" == found.version


def test_a_library_that_does_not_load_is_reported_with_the_reason(tmp_path: Path) -> None:
    library = tmp_path / "libbcc.so.0"
    library.write_bytes(b"no library")

    with pytest.raises(SourceUnavailable, match=rf"do not compile \({library} does not load: .*file too short"):
        BpfCompiler(library).compile(NOTHING, tmp_path, ["nothing"])


def test_the_first_error_of_many_lines_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "import sys; sys.exit('In file\\nopen.c:7:1: error: unknown type\\nopen.c:8:1: error: another\\n2 errors')"

    with pytest.raises(SourceUnavailable, match=r"do not compile \(open.c:7:1: error: unknown type\)"):
        child(tmp_path, monkeypatch, said).compile(NOTHING, tmp_path, ["nothing"])


def test_a_killed_child_is_reported_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = "import os, sys; print('LLVM ERROR: out of memory', file=sys.stderr, flush=True); os.kill(os.getpid(), 6)"

    with pytest.raises(SourceUnavailable, match=r"do not compile \(LLVM ERROR: out of memory; ended by signal 6\)"):
        child(tmp_path, monkeypatch, killed).compile(NOTHING, tmp_path, ["nothing"])


def test_a_child_that_says_nothing_is_reported_by_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceUnavailable, match=r"the child ended with 3\)"):
        child(tmp_path, monkeypatch, "raise SystemExit(3)").compile(NOTHING, tmp_path, ["nothing"])


def test_a_child_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_SECONDS", 0.2)

    with pytest.raises(SourceUnavailable, match="the compiler did not end within"):
        child(tmp_path, monkeypatch, "import signal; signal.pause()").compile(NOTHING, tmp_path, ["nothing"])


def test_without_an_interpreter_there_is_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))

    with pytest.raises(SourceUnavailable, match="the compiler's process does not start"):
        BpfCompiler(tmp_path / "libbcc.so.0").compile(NOTHING, tmp_path, ["nothing"])


def test_the_child_has_a_directory_of_its_own_with_the_text_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = "import os; open('nothing.code', 'wb').write(os.getcwd().encode() + b' ' + open('main.c', 'rb').read())"

    code = child(tmp_path, monkeypatch, copying).compile(NOTHING, tmp_path, ["nothing"])["nothing"]

    place, _, text = code.decode().partition(" ")
    assert (NOTHING, False) == (text, Path(place).exists())
    assert place != os.getcwd()


@pytest.mark.ebpf
def test_a_text_that_does_not_compile_is_reported_with_its_line() -> None:
    requirements.ebpf()
    with pytest.raises(SourceUnavailable, match=r"do not compile \(.*main.c:1:1: error: unknown type name 'this'\)"):
        needed_compiler().compile("this is no C", Path("/"), ["nothing"])


@pytest.mark.ebpf
def test_a_function_that_the_text_lacks_is_reported() -> None:
    requirements.ebpf()
    with pytest.raises(SourceUnavailable, match="the compiler gave no code for something"):
        needed_compiler().compile(NOTHING, Path("/"), ["something"])


@pytest.mark.ebpf
def test_a_compiler_that_wants_too_much_memory_ends_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    monkeypatch.setattr(compiler, "_MEMORY", 64 << 20)

    with pytest.raises(SourceUnavailable, match="do not compile"):
        needed_compiler().compile(NOTHING, Path("/"), ["nothing"])


@pytest.mark.ebpf
def test_the_compiler_reads_nothing_but_its_own_directory_and_that_of_the_sources(tmp_path: Path) -> None:
    requirements.ebpf()
    if ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_VERSION) < 1:
        pytest.skip("this kernel has no Landlock")  # the child runs unconfined there (ADR 81)
    sources, other = tmp_path / "sources", tmp_path / "other"
    for folder in (sources, other):
        folder.mkdir()
        (folder / "one.h").write_text(NOTHING)

    code = needed_compiler().compile('#include "one.h"\n' + NOTHING.replace("nothing", "more"), sources, ["more"])
    with pytest.raises(SourceUnavailable, match=r"cannot open file .*: Permission denied"):
        needed_compiler().compile(f'#include "{other}/one.h"\n', sources, ["nothing"])

    assert ["more"] == list(code)


@pytest.mark.ebpf
def test_the_compiler_is_in_another_process() -> None:
    requirements.ebpf()

    code = needed_compiler().compile(NOTHING, Path("/"), ["nothing"])["nothing"]

    assert b"\xb7\0\0\0\0\0\0\0\x95\0\0\0\0\0\0\0" == code
    mapped = Path("/proc/self/maps").read_text()
    assert ("libbcc" in mapped, "libLLVM" in mapped) == (False, False)
