"""The memory bound during the start of components, which may need most of the memory."""

import asyncio
from pathlib import Path

from tests.core.runtime.engine.playing import Judge, Memory, Numbers, Play

PATIENCE = 20.0
"""Seconds after which a start that waits in vain fails; the bound looks within a second."""


class Hoarding(Judge):
    """An evaluator with a cache."""

    def __init__(self, asked: asyncio.Event) -> None:
        super().__init__()
        self._asked = asked

    def shrink(self) -> int:
        self._asked.set()
        return 0


class Starting(Memory):
    """A sink whose start ends once a component was asked to give memory back."""

    def __init__(self, asked: asyncio.Event) -> None:
        super().__init__()
        self._asked = asked

    async def start(self) -> None:  # type: ignore[override]  # the contract allows both
        await asyncio.wait_for(self._asked.wait(), PATIENCE)


def test_memory_is_given_back_while_a_component_starts(tmp_path: Path) -> None:
    asked = asyncio.Event()
    play = Play(Numbers(1), Starting(asked), Hoarding(asked))
    play.assembly.memory_limit = 1

    code, _ = play.run(tmp_path)

    assert asked.is_set()
    assert code == 0
