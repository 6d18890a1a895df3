"""The picture in README is what a terminal shows today."""

from tests.docs.screen import PICTURE, picture, screen
from tests.support.requirements import ROOT


def test_the_picture_is_current_and_in_the_readme() -> None:
    assert picture(screen()) == PICTURE.read_text(), "write it again: python -m tests.docs.screen"
    assert f"]({PICTURE.relative_to(ROOT)})" in (ROOT / "README.md").read_text()
