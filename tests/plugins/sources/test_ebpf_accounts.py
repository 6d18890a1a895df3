"""Accounts whose events were refused become floods: a file in memory stands for the map."""

import os
import struct
from typing import Final

import pytest

from mozu.core.api import Flood
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.accounts import MOST, QUIET_SECONDS, Accounts

_ENTRY: Final = wire.size("account")
_PROCESS, _USER, _ROOT, _CONTAINER = 1, 2, 3, 4
_FORMATS: Final = {2: "<H", 4: "<I", 8: "<Q"}
OPENAT: Final = 257


class Scene:
    """Scene with the map and the clock."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("accounts")
        os.ftruncate(self.fd, wire.map_constant("ACCOUNT_PLACES") * _ENTRY)
        self.now = 100.0
        self.accounts = Accounts(self.fd, lambda: self.now)

    def set(self, place: int, kind: int, id_: int, *, passed: int = 0, refused: int = 0, reserved: int = 0) -> None:
        """Write an account of process 7, user 9, cgroup 11 as a program would leave it."""
        members = {"key": kind << 60 | id_, "passed": passed, "pid": 7, "uid": 9, "cgroup": 11, "type": OPENAT}
        for name, value in members.items():
            at = wire.place("account", name)
            os.pwrite(self.fd, struct.pack(_FORMATS[at.size], value), place * _ENTRY + at.offset)
        at = wire.place("account", "refused")
        os.pwrite(self.fd, struct.pack("<II", refused & 0xFFFFFFFF, reserved), place * _ENTRY + at.offset)

    def after(self, seconds: float) -> list[Flood]:
        self.now += seconds
        return self.accounts.take_floods()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_where_nothing_was_refused_there_is_no_flood(scene: Scene) -> None:
    scene.set(5, _PROCESS, 7, passed=1_000_000)
    assert [] == scene.after(1)


@pytest.mark.parametrize(
    ("kind", "name"), [(_PROCESS, "process"), (_USER, "user"), (_ROOT, "user"), (_CONTAINER, "container")]
)
def test_a_flood_is_reported_when_it_begins_and_when_it_ended(scene: Scene, kind: int, name: str) -> None:
    scene.set(5, kind, 7, passed=200, refused=700, reserved=100)
    (begun,) = scene.after(2)
    assert [] == scene.after(1)
    scene.set(5, kind, 7, passed=400, refused=1700, reserved=100)
    assert [] == scene.after(1)
    (ended,) = scene.after(QUIET_SECONDS)

    assert (name, 800, 100, 500, False) == (begun.account, begun.refused, begun.reserved, begun.rate, begun.ended)
    assert (7, 9, 11, "openat") == (begun.pid, begun.uid, begun.cgroup, begun.type)
    assert (name, 1800, 100, 4.0, True) == (ended.account, ended.refused, ended.reserved, ended.seconds, ended.ended)
    assert ended.rate == (400 + 1700 + 100) / 4


def test_an_account_that_took_the_place_of_another_is_a_flood_of_its_own(scene: Scene) -> None:
    scene.set(5, _PROCESS, 7, refused=700)
    scene.after(1)
    scene.set(5, _PROCESS, 8, refused=30)
    (begun,) = scene.after(1)
    assert 30 == begun.refused


def test_counts_may_wrap_round(scene: Scene) -> None:
    scene.set(5, _USER, 7, refused=-10)
    scene.after(1)
    scene.set(5, _USER, 7, refused=20)
    scene.after(1)
    (ended,) = scene.after(QUIET_SECONDS)
    assert (1 << 32) - 10 + 30 == ended.refused


def test_more_floods_at_one_time_are_not_reported(scene: Scene) -> None:
    for place in range(MOST + 5):
        scene.set(place, _PROCESS, place + 1, refused=1)
    assert MOST == len(scene.after(1))


def test_at_the_end_of_the_source_floods_end(scene: Scene) -> None:
    scene.set(5, _PROCESS, 7, refused=700)
    scene.after(1)
    assert [(700, True)] == [(flood.refused, flood.ended) for flood in scene.accounts.close()]
