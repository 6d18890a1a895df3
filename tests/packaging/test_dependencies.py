"""Statements about dependencies in pyproject.toml, constraints.txt and docs/dependencies.md agree."""

import re
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging import minimums
from tests.packaging.minimums import constraints, declared, lowest
from tests.support.requirements import ROOT

ROWS = re.findall(r"^\| (\S+) \| .+ \| .+ \|$", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
ALL = [*declared(), *declared("google"), *declared("lsp"), *declared("dev")]


def ids(requirement: Requirement) -> str:
    return requirement.name


def reachable() -> set[str]:
    """Return all packages that an installation of mozu with its tests has, by the metadata of the installed
    packages."""
    found: set[str] = set()
    waiting = list(ALL)
    while waiting:
        one = waiting.pop()
        asked = f"{canonicalize_name(one.name)}{sorted(one.extras)}"
        if asked in found:
            continue
        found.add(asked)
        for line in distribution(one.name).requires or ():
            below = Requirement(line)
            if below.marker is None or any(below.marker.evaluate({"extra": name}) for name in ("", *one.extras)):
                waiting.append(below)
    return {name.partition("[")[0] for name in found}


@pytest.mark.parametrize("requirement", ALL, ids=ids)
def test_the_tested_version_is_one_that_is_allowed(requirement: Requirement) -> None:
    assert requirement.specifier.contains(minimums.tested()[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("requirement", declared(), ids=ids)
def test_what_mozu_needs_has_a_lowest_version(requirement: Requirement) -> None:
    assert f"{requirement.name}=={lowest(requirement)}" in constraints()


def test_every_package_that_gets_installed_has_a_tested_version() -> None:
    assert reachable() - minimums.tested().keys() == set()


def test_the_page_has_a_reason_for_each_and_for_no_other() -> None:
    named = [canonicalize_name(name) for name in ROWS if name != "package"]
    assert sorted(named) == sorted(canonicalize_name(one.name) for one in ALL)
