"""Defects of enrichers that the kit finds; correct ones pass."""

import asyncio
import time
from typing import Any

import pytest

from mozu.core.api import (
    Context,
    EnricherDeclaration,
    Event,
    Settings,
)
from mozu.testing import check_declaration
from tests.core.testing.acme import COUNTRY, geo, says, visit

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("start hangs", "`start` MUST end"),
        ("key is no text", "`key` MUST give a text or None, not int"),
        ("never known", "after `resolve('a')`, `known` MUST be true"),
        ("resolve blocks", "`resolve('a')` MUST NOT block the event loop"),
        ("no reader", "`readers` MUST have every field of the declaration, and lack geo.country"),
        ("wrong type", "the reader of geo.country MUST give values of its type: string takes str, not int"),
        ("stop hangs", "`stop` MUST end"),
        ("key raises", "`key` raised KeyError: 'key'"),
        ("known is none", "`known` MUST give True or False, not NoneType"),
        ("resolve raises", "`resolve('a')` raised OSError: no route"),
        ("reader exits", "`the reader of geo.country` raised SystemExit: 0"),
        ("second stop raises", "`stop` MUST be idempotent; the second one: `stop` raised RuntimeError: closed already"),
    ],
)
def test_an_enricher_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    assert sentence in says(check_declaration(geo({"a": "DE"}, wrong=wrong), events=[visit("a")]))


class Slow:
    """An enricher of plain functions."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._lookups = context.lookups

    def start(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        return "key"

    def known(self, key: str) -> bool:
        return key in self._lookups

    def resolve(self, key: str) -> None:
        time.sleep(0.05)  # a client library that blocks
        self._lookups.put(key, "value")

    def readers(self) -> Any:
        return {"geo.country": lambda argument: lambda event: self._lookups.get("key")}

    def stop(self) -> None:
        pass


def test_a_blocking_enricher_is_checked_on_a_thread_of_its_own() -> None:
    declaration = EnricherDeclaration(
        name="slow", build=Slow, settings=Settings, summary="Waits.", fields=(COUNTRY,), blocking=True
    )
    asyncio.run(check_declaration(declaration, events=[visit("a")]))
