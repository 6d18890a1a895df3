import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from mozu.core.api import Source
from mozu.plugins.sources.ebpf.objects import kernel_features as casts
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ptrace.reading.reader import TracedTask
from tests.support import requirements
from tests.support.filter_comparison import FIELDS, FilterComparison, Judged, context_with
from tests.support.live import QUIET, Live, context, demand
from tests.support.split import needs_live


@pytest.fixture
def task() -> TracedTask:
    """Return this process, in the place of a traced one."""
    return TracedTask(os.getpid(), os.getpid())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = Path(os.path.realpath(tmp_path)) / "file"
    made.write_text("x")
    return made


@pytest.fixture(scope="session")
@needs_live
def live() -> Iterator[Live]:
    """Yield the source with all types switched on that do not occur all the time on a busy machine."""
    requirements.ebpf()
    wanted = demand(*QUIET, state_dependencies=("tree", "cwd", "ids", "env", "realpath"))
    with Live(EbpfSource(64 << 20, context()), wanted, shared=True) as running:
        yield running


@pytest.fixture(scope="module")
@needs_live
def undemanded() -> Iterator[Live]:
    """Yield a source whose demand each test sets."""
    requirements.ebpf()
    with Live(EbpfSource(64 << 20, context()), demand()) as running:
        yield running


@pytest.fixture(scope="module")
@needs_live
def copying() -> Iterator[Live]:
    """Yield the source with the programs for a kernel without bpf_rdonly_cast: they copy members."""
    requirements.ebpf()
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(casts, "casts_are_usable", lambda types: False)
            running = stack.enter_context(Live(EbpfSource(64 << 20, context()), demand()))
        yield running


@pytest.fixture(scope="module")
@needs_live
def comparison() -> Iterator[FilterComparison]:
    requirements.ebpf()
    with (
        Live(EbpfSource(64 << 20, context()), demand()) as filtered,
        Live(EbpfSource(64 << 20, context(), kernel_filter=False), demand()) as whole,
    ):
        yield FilterComparison(filtered, whole)


@pytest.fixture(scope="module")
@needs_live
def judged() -> Iterator[FilterComparison]:
    requirements.ebpf()
    with (
        Live(cast("Source", Judged(EbpfSource(64 << 20, context_with(FIELDS)))), demand()) as filtered,
        Live(EbpfSource(64 << 20, context(), kernel_filter=False), demand()) as whole,
    ):
        yield FilterComparison(filtered, whole)


@pytest.fixture
def likely(tmp_path: Path) -> Path:
    """Make directories, files and links whose names rules are likely to ask for."""
    for name in ("etc/pam.d", "etc/ssh", "home/u/.ssh", "var/log", "x/y"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("etc/shadow", "etc/pam.d/su", "home/u/.ssh/id_rsa", "var/log/syslog", "x/y/shadow", "x/a.b", "x/..b"):
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "etc")
    (tmp_path / "x" / "up").symlink_to(tmp_path / "etc" / "shadow")
    return tmp_path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a directory with a file, a directory and links."""
    (tmp_path / "inner" / "deep").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    (tmp_path / "inner" / "deep" / "file").write_text("y")
    (tmp_path / "link").symlink_to(tmp_path / "inner" / "deep")
    return tmp_path
