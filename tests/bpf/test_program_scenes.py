"""Records of randomly drawn calls are the same as before. After an intended change, run `python -m
tests.bpf.program_scenes`."""

import pytest

from tests.bpf.program_scenes import FILE, NAMES, described
from tests.support import golden
from tests.support.kernel_memory import Kernel

pytestmark = pytest.mark.live


@pytest.mark.parametrize("name", NAMES)
def test_records_of_drawn_calls(programs: Kernel, name: str) -> None:
    assert golden.first_difference(golden.kept(FILE)[name], described(programs, name)) == ""
