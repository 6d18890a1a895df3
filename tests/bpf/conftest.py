import ctypes

import pytest

from tests.support import bpf_compiled
from tests.support.split import needs_live


@pytest.fixture(scope="session")
@needs_live
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """bpf/path.h and what stands on it, in user space."""
    return bpf_compiled.compiled(tmp_path_factory.mktemp("kernel"), "path_model.c")
