"""Tests of comparisons, programs made of rules, and their effects on calls are unchanged. If a difference is meant:
`python -m tests.plugins.sources.filter_scenes`.
"""

import pytest

from tests.plugins.sources.filter_scenes import FILE, SCENES
from tests.support import golden


@pytest.mark.parametrize("name", SCENES)
def test_a_filter_tests_and_decides_what_it_did(name: str) -> None:
    assert golden.first_difference(golden.kept(FILE)[name], SCENES[name]()) == ""
