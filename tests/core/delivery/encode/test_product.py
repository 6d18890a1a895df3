"""mozu's own version, wherever the package is installed."""

import importlib.metadata
from pathlib import Path

import pytest

from mozu.core.delivery.encode import product
from mozu.core.delivery.encode.product import slug


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory that an installer puts the package and its metadata into; other sources of the version say
    1.2.
    """
    monkeypatch.setattr(product, "__file__", str(tmp_path / "mozu" / "core" / "delivery" / "encode" / "product.py"))
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"1.2 of {name}")
    return tmp_path


@pytest.mark.parametrize(
    ("beside", "version"),
    [
        ([], "1.2 of mozu"),
        (["mozu-0.3.0.dist-info", "other-1.0.dist-info"], "0.3.0"),
        (["mozu-0.3.0.dist-info", "mozu-0.2.0.dist-info"], "1.2 of mozu"),
    ],
    ids=["none beside it", "its own beside it", "left-overs of another beside it"],
)
def test_the_version_is_that_of_the_metadata_beside_the_package(
    installed: Path, beside: list[str], version: str
) -> None:
    for name in beside:
        (installed / name).mkdir()
    assert version == product.version.__wrapped__()


def test_a_tree_that_is_not_installed_has_no_version(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert "unknown" == product.version.__wrapped__()


@pytest.mark.parametrize(
    ("rule", "ident"),
    [("Terminal shell in container", "terminal_shell_in_container"), ("(a) B!", "a_b"), ("é", "rule"), ("", "rule")],
)
def test_a_rule_has_its_name_as_an_identifier(rule: str, ident: str) -> None:
    assert ident == slug(rule)
