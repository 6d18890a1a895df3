"""Files opened in any way match a rule that names them by their paths, and pass the kernel filter."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from mozu.core.state import StateMachine
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import ways
from tests.support.filter_comparison import FIELDS, alerts, context_with, wants
from tests.support.live import Act, Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

READ: Final = "Password database read by an unexpected program"
OPENED: Final = "evt.type in (open, openat, openat2, creat, open_by_handle_at) and fd.num >= 0"


@pytest.fixture(scope="module")
@needs_live
def filtered() -> Iterator[Live]:
    requirements.ebpf()
    with Live(EbpfSource(64 << 20, context()), demand()) as running:
        yield running


@pytest.mark.parametrize("way", ways.WAYS)
def test_a_file_is_found_by_whichever_way_it_is_opened(filtered: Live, tmp_path: Path, way: str) -> None:
    """Opens of another file of the same directory, by the same way, are discarded."""
    place = tmp_path / "kept"
    place.mkdir()
    for name in ("secret", "other"):
        (place / name).touch()
    rules = [f'{OPENED} and fd.paths = "{place}/secret"', f'{OPENED} and fd.paths startswith "{place}/s"']
    filtered.update(wants(rules))
    found = {}
    for name in ("secret", "other"):
        work = tmp_path / f"work_{name}"
        work.mkdir()
        act = filtered.act(ways.go, way, str(place / name), str(work), os.O_RDONLY)
        assert act.value >= 0, os.strerror(-act.value)
        found[name] = {position for position, *_ in alerts(rules, act)}

    assert found == {"secret": {0, 1}, "other": set()}


@pytest.mark.parametrize("way", sorted(ways.WAYS.keys() - {"open_by_handle_at", "open_tree"}))
def test_a_file_is_found_by_whichever_way_it_is_made(filtered: Live, tmp_path: Path, way: str) -> None:
    place, work = tmp_path / "kept", tmp_path / "work"
    place.mkdir()
    work.mkdir()
    if way == "/proc/self/fd":
        (place / "new").touch()
    rules = [f'{OPENED} and evt.is_open_write = true and fd.paths startswith "{place}/"']
    filtered.update(wants(rules))

    act = filtered.act(ways.go, way, str(place / "new"), str(work), os.O_WRONLY | os.O_CREAT)

    assert act.value >= 0, os.strerror(-act.value)
    assert alerts(rules, act)


@pytest.fixture(scope="module")
def packs(filtered: Live) -> FalcoEvaluator:
    evaluator = FalcoEvaluator(FalcoSettings(rules=(PACKS,)), context_with(FIELDS))
    filtered.update(evaluator.demand())
    return evaluator


def raised(packs: FalcoEvaluator, act: Act) -> set[str]:
    """Return the rules that match."""
    return {alert.rule for alert in packs.evaluate(StateMachine().apply(act.events))}


@pytest.mark.parametrize("way", ways.WAYS)
def test_the_password_database_is_seen_by_whichever_way_it_is_read(
    filtered: Live, packs: FalcoEvaluator, tmp_path: Path, way: str
) -> None:
    act = filtered.act(ways.go, way, "/etc/shadow", str(tmp_path), os.O_RDONLY)

    assert act.value >= 0, os.strerror(-act.value)
    assert READ in raised(packs, act)


@pytest.mark.parametrize("made", [ways.by_program, ways.by_link, ways.by_script])
@pytest.mark.parametrize("name", ["apt", "sshd", "adduser"])
def test_a_program_is_not_trusted_for_its_name(
    filtered: Live, packs: FalcoEvaluator, tmp_path: Path, name: str, made: Callable[..., int]
) -> None:
    act = filtered.act(made, requirements.program("cat"), "/etc/shadow", str(tmp_path), name)

    assert act.value == 0
    assert READ in raised(packs, act)


def test_the_programs_that_read_it_for_a_living_are_trusted(filtered: Live, packs: FalcoEvaluator) -> None:
    act = filtered.act(ways.run, requirements.program("chage"), "--list", "root")

    assert act.value == 0
    assert READ not in raised(packs, act)
