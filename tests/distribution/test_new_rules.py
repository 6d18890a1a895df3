"""Rule families of a new version: linked at a first installation, named at an upgrade, and never linked unasked."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.requirements import ROOT

SCRIPT = ROOT / "distribution/files/usr/lib/mozu/bin/new-rules"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root directory of a machine that has two families."""
    for folder in ("usr/share/mozu/rules", "etc/mozu/rules.enabled"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/mozu/rules.available").symlink_to("../../usr/share/mozu/rules")
    (tmp_path / "etc/mozu/mozu.yaml").write_text("rules: [/etc/mozu/rules.enabled]\n")
    for name in ("10-a", "20-b"):
        bring(tmp_path, name)
    return tmp_path


def bring(root: Path, name: str) -> None:
    rules = root / "usr/share/mozu/rules"
    (rules / f"{name}.yaml").write_text("- rule: One\n- rule: Two\n")
    (rules / f"{name}_test.yaml").write_text("")


def ran(root: Path, how: str) -> str:
    done = subprocess.run(
        ["sh", str(SCRIPT), how], env={**os.environ, "MOZU_ROOT": str(root)}, capture_output=True, text=True, check=True
    )
    assert "" == done.stderr
    return done.stdout


def enabled(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "etc/mozu/rules.enabled").iterdir() if path.suffix == ".yaml")


def test_all_families_are_switched_on_at_first(root: Path) -> None:
    assert "" == ran(root, "first")

    assert ["10-a.yaml", "20-b.yaml"] == enabled(root)
    assert (root / "etc/mozu/rules.enabled/10-a.yaml").read_text().startswith("- rule:")


def test_a_new_family_is_named_once_with_what_switches_it_on(root: Path) -> None:
    ran(root, "first")
    (root / "etc/mozu/rules.enabled/20-b.yaml").unlink()
    bring(root, "30-c")

    said, again = ran(root, "upgrade"), ran(root, "upgrade")

    assert "mozu:   30-c.yaml: 2 rules" in said
    assert "20-b" not in said  # a family that the administrator removed is not new
    assert "ln -s ../rules.available/NAME" in said
    assert "rules.available in place of rules.enabled" in said
    assert "" == again
    assert ["10-a.yaml"] == enabled(root)


def test_an_upgrade_of_a_version_that_kept_no_list_names_what_is_not_switched_on(root: Path) -> None:
    (root / "etc/mozu/rules.enabled/10-a.yaml").symlink_to("../rules.available/10-a.yaml")

    assert "20-b.yaml" in ran(root, "upgrade")


def test_where_the_configuration_takes_all_of_them_nothing_is_said(root: Path) -> None:
    (root / "etc/mozu/mozu.yaml").write_text("rules: [/etc/mozu/rules.available]\n")

    assert "" == ran(root, "upgrade")
