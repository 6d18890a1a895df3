"""Requirements of a plugin's package are compared with what is installed."""

import importlib.metadata

import pytest

from mozu.core.runtime.requirements import unmet_requirements


def unmet(monkeypatch: pytest.MonkeyPatch, *requirements: str, version: str = "1.4.2") -> list[str]:
    """Return the unmet requirements of a distribution with these requirements, for this version of mozu."""
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: list(requirements))
    found = {"mozu": version}

    def version_of(name: str) -> str:
        if name not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name]

    monkeypatch.setattr(importlib.metadata, "version", version_of)
    return list(unmet_requirements("mozu-acme"))


@pytest.mark.parametrize(
    "requirement",
    ["mozu", "mozu>=1", "mozu (>=1.4,<2)", "mozu~=1.4", "mozu==1.4.*", "mozu!=1.4.1", "mozu>1.4.1", "mozu[x]>=1.4.2",
     "mozu>=9; extra == 'new'", "other; python_version < '3'"],
)  # fmt: skip
def test_what_is_met_or_may_not_apply_says_nothing(requirement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unmet(monkeypatch, requirement) == []


@pytest.mark.parametrize(
    "requirement", ["mozu>=9", "mozu (>=1.5)", "mozu<1.4", "mozu~=1.3.0", "mozu==1.3.*", "mozu!=1.4.2", "mozu<=1.4.1"]
)
def test_what_is_not_met_is_said_with_both_versions(requirement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = unmet(monkeypatch, requirement)
    assert text.startswith(f"mozu-acme requires {requirement}, and mozu 1.4.2 is none; install a version that is")


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = unmet(monkeypatch, "acme-client>=2")
    assert text == "mozu-acme requires acme-client>=2, which is not installed; install it"
