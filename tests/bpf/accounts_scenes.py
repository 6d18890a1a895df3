"""Writers of a ring buffer drawn at random, the fate of their records, and the values of their accounts.

python -m tests.bpf.accounts_scenes    writes tests/data/accounts/ again, after a change that is meant
"""

import ctypes
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf import wire
from tests.bpf.ring import COMMON, EXACT, RECORD, RESERVED, Writer, compiled, outcome
from tests.support import golden
from tests.support.kernel_tree import Memory, memory
from tests.support.requirements import DATA

FILE: Final = DATA / "accounts" / "scenes.txt.xz"
NAMES: Final = tuple(f"writers-{seed}" for seed in range(20))
_RING: Final = 1 << 20
_READ: Final = 20_000
_KINDS: Final = {1: "process", 2: "user", 3: "root", 4: "container"}


def described(model: ctypes.CDLL, name: str) -> Iterator[str]:
    """Yield the records of each writer, and the values of each account that was charged or refused something."""
    chance = random.Random(name)
    count = chance.choice((1, 2, 3, 8, 30, 120))
    writers = [_writer(chance, number, count) for number in range(count)]
    tabs, milliseconds = chance.choice((1, 4, 16, 64)), chance.choice((30, 100, 200))
    found = outcome(model, *writers, milliseconds=milliseconds, seed=len(name), size=_RING, read=_READ, tabs=tabs)
    for writer in writers:
        yield f"# {writer}"
        yield golden.line("records", tuple(found[writer.name]))
    yield f"# {len(writers)} writers, {tabs} tabs, {milliseconds} ms"
    yield golden.line("accounts looked up", model.looked_up())
    yield golden.line("ring buffer asked", model.asked())
    for place in range(wire.map_constant("ACCOUNT_PLACES")):
        one = memory(model, "account", "account", place)
        if one["passed"] or one.element("refused", 0) or one.element("refused", 1):
            yield golden.line(f"{_KINDS[one['key'] >> 60]} {one['key'] & (1 << 60) - 1} at {place}", _account(one))


def _account(one: Memory) -> str:
    numbers = ("passed", "written", "consumed", "uid_now", "cgroup", "pid", "uid", "type")
    parts = (f"{member} {[one.element(member, part) for part in (0, 1)]}" for member in ("refused", "used"))
    return " ".join([*parts, *(f"{member} {one[member]}" for member in numbers)])


def _writer(chance: random.Random, number: int, count: int) -> Writer:
    return Writer(
        name=str(number),
        rate=chance.choice((200, 1_600, 12_000, 80_000, 200_000)) * 8 // (8 + count),
        pid=chance.choice((1, 100, 100 + number, 5000 * number + 7)),
        uid=chance.choice((0, 0, 33, 1000, 1000 + number)),
        cgroup=chance.choice((1, 1, 77, 77, 300 + number)),
        share=chance.choice((COMMON, COMMON, RESERVED, EXACT)),
        forks_after=chance.choice((0, 0, 0, 1, 20)),
        length=chance.choice((RECORD, 64, 128, 256, 700)),
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        model = compiled(Path(folder))
        golden.write(FILE, {name: described(model, name) for name in NAMES})
