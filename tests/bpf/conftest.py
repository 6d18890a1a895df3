import ctypes

import pytest

from tests.bpf import ring as ring_model
from tests.support import bpf_compiled, kernel_memory
from tests.support.kernel_machine import Machine
from tests.support.split import needs_live


@pytest.fixture(scope="session")
@needs_live
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Return bpf/path.h and the headers that build on it, in user space."""
    return bpf_compiled.compiled(tmp_path_factory.mktemp("kernel"), "path_model.c")


@pytest.fixture(scope="session")
@needs_live
def ring(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Return bpf/accounts.h in user space, beside a ring buffer."""
    return ring_model.compiled(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="session")
@needs_live
def memory_model(tmp_path_factory: pytest.TempPathFactory) -> kernel_memory.Kernel:
    """Return headers of bpf/ that read a task, in user space, with the structs of the running kernel."""
    return kernel_memory.compiled(tmp_path_factory.mktemp("memory"))


@pytest.fixture(scope="session")
@needs_live
def older_model(tmp_path_factory: pytest.TempPathFactory) -> kernel_memory.Kernel:
    """Return the same as `memory_model` with structs of Linux 5.15."""
    return kernel_memory.compiled(tmp_path_factory.mktemp("older"), older=True)


@pytest.fixture(scope="session")
@needs_live
def programs(tmp_path_factory: pytest.TempPathFactory) -> kernel_memory.Kernel:
    """Return programs of bpf/programs in user space."""
    return kernel_memory.compiled(tmp_path_factory.mktemp("programs"), "program_model.c")


@pytest.fixture
def machine(memory_model: kernel_memory.Kernel) -> Machine:
    """Return a task in empty memory."""
    memory_model.clear()
    return Machine(memory_model)
