"""Code in a process that is not covered by its executable."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from mozu.core.respond.foreign_code import foreign_code
from mozu.core.respond.process_facts import ProcessFacts, process_facts

PID: Final = 77
TRACER: Final = 78
LIBRARY: Final = "7f1c00000000-7f1c00001000 r-xp 00000000 fe:00 42                         {path}\n"
OWN: Final = (
    "55d000000000-55d000001000 r--p 00000000 fe:00 41                         /usr/bin/sleep\n"
    "55d000001000-55d000002000 r-xp 00001000 fe:00 41                         /usr/bin/sleep\n"
    "7f1c10000000-7f1c10001000 rw-p 00000000 00:00 0 \n"
    "7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]\n"
)


class Proc:
    """A /proc with one process of root, which runs /usr/bin/sleep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / str(PID)
        (self.own / "map_files").mkdir(parents=True)
        (self.own / "maps").write_text(OWN)
        (self.own / "environ").write_bytes(b"HOME=/root\0PATH=/bin\0")
        (self.own / "map_files/55d000001000-55d000002000").symlink_to("/usr/bin/sleep")
        self.facts = ProcessFacts(PID, "sleep", 1, PID, False, 1, (0,) * 4, True)

    def maps(self, path: Path) -> None:
        """Map a library into the process."""
        (self.own / "maps").write_text(OWN + LIBRARY.format(path=path))
        (self.own / "map_files/7f1c00000000-7f1c00001000").symlink_to(path)

    def code(self, *, of_service: bool = False) -> str:
        return foreign_code(self.facts, of_service=of_service, proc=self.folder)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


@pytest.mark.parametrize("of_service", [False, True])
def test_a_process_as_its_file_has_it_runs_no_other_code(proc: Proc, of_service: bool) -> None:
    assert "" == proc.code(of_service=of_service)


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_mapped_file_that_another_user_may_write_is_other_code(proc: Proc, tmp_path: Path, mode: int) -> None:
    library = tmp_path / "evil.so"
    library.touch()
    library.chmod(mode)
    proc.maps(library)
    assert f"it runs code of {library}, which is not root's alone" == proc.code()


def test_a_library_of_roots_is_no_other_code(proc: Proc) -> None:
    proc.maps(Path("/usr/bin/cat"))
    assert "" == proc.code(of_service=True)


def test_a_mapped_file_that_is_gone_is_no_other_code(proc: Proc, tmp_path: Path) -> None:
    """Check with a library that was upgraded."""
    proc.maps(tmp_path / "gone")
    assert "" == proc.code()


@pytest.mark.parametrize("variable", ["LD_PRELOAD=/tmp/evil.so", "LD_AUDIT=/tmp/evil.so", "LD_LIBRARY_PATH=/tmp"])
def test_variables_of_the_linker_count_against_a_service(proc: Proc, variable: str) -> None:
    """Check because root's k3s and snaps have some of these variables."""
    (proc.own / "environ").write_bytes(b"HOME=/\0" + variable.encode() + b"\0")
    assert ("", True) == (proc.code(), bool(proc.code(of_service=True)))


def test_code_in_no_file_counts_against_a_service(proc: Proc) -> None:
    (proc.own / "maps").write_text(OWN + "7f1c20000000-7f1c20001000 rwxp 00000000 00:00 0 \n")
    assert ("", "it has code that is in no file") == (proc.code(), proc.code(of_service=True))


@pytest.mark.parametrize(("user", "counts"), [(0, False), (1000, True)])
def test_a_tracer_counts_unless_it_is_roots(proc: Proc, user: int, counts: bool) -> None:
    tracer = proc.folder / str(TRACER)
    tracer.mkdir()
    (tracer / "stat").write_text(f"{TRACER} (gdb) S 1 78 78 0 -1 0 " + "0 " * 12 + "100 0\n")
    (tracer / "status").write_text(f"Name:\tgdb\nUid:\t{user}\t{user}\t{user}\t{user}\n")
    proc.facts = msgspec.structs.replace(proc.facts, tracer=TRACER)
    assert bool(proc.code()) is counts


@pytest.fixture
def preloaded(tmp_path: Path) -> Iterator[ProcessFacts]:
    """Yield a process with a library that every user may write to."""
    library = tmp_path / "evil.so"
    (tmp_path / "evil.c").write_text("int evil;\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "evil.c")], check=True)
    library.chmod(0o777)
    command = [sys.executable, "-c", "print('ready', flush=True); input()"]
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        found = process_facts(process.pid)
        assert found is not None
        yield found
        process.kill()


@pytest.mark.live
def test_a_preloaded_library_is_seen_in_a_real_process(preloaded: ProcessFacts) -> None:
    assert "evil.so" in foreign_code(preloaded, of_service=False)
