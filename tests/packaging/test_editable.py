"""An editable install is a single path if the checkout has links: type checkers read paths, not import hooks."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import setuptools  # type: ignore[import-untyped]  # it brings no types

from tests.support.requirements import ROOT


@pytest.mark.parametrize("has_links", [True, False])
def test_an_editable_install_is_the_path_of_the_links_where_there_are_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_links: bool
) -> None:
    for part in ("core", "plugins", "bpf"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "__init__.py").touch()
        link = tmp_path / "src/mozu" / part
        link.parent.mkdir(parents=True, exist_ok=True)
        if has_links:
            link.symlink_to(Path("..", "..", part))
        else:
            link.write_text(f"../../{part}")
    given: dict[str, Any] = {}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(setuptools, "setup", lambda **settings: given.update(settings))
    runpy.run_path(str(ROOT / "setup.py"))
    command: Any = setuptools.Distribution({"name": "mozu", **given}).get_command_obj("editable_wheel")
    command.ensure_finalized()
    strategy = type(command._select_strategy("mozu", "tag", tmp_path)).__name__
    assert strategy == ("_StaticPth" if has_links else "_TopLevelFinder")
