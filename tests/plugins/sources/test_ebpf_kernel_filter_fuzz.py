"""Any rules, any paths: no alert is lost to a kernel filter."""

import os
import random
from pathlib import Path
from typing import Final

import pytest

from tests.support.acts import opens
from tests.support.filter_comparison import OPENS, FilterComparison, alerts
from tests.support.filter_conditions import random_condition, random_path

pytestmark = pytest.mark.ebpf

FULL: Final = os.environ.get("MOZU_FUZZ") == "full"
ROUNDS: Final = 60 if FULL else 10


def random_steps(chance: random.Random, likely: Path, count: int) -> list[tuple[str, bytes | None, bytes, int]]:
    places = [os.fsencode(likely / name) for name in ("", "etc", "x/y", "home/u", "var/log")]
    steps = []
    for _ in range(count):
        place = chance.choice((None, chance.choice(places), b"@" + chance.choice(places)))
        name = chance.choice(("open", "openat", "openat", "openat2", "creat"))
        flags = chance.choice((0, 0, os.O_RDWR, os.O_WRONLY, os.O_DIRECTORY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        path = random_path(chance, likely)
        is_made = flags & os.O_CREAT or name == "creat"
        if is_made and not path.startswith(os.fsencode(likely)):
            name, flags = "openat", 0  # nothing is made elsewhere
        steps.append((name, place, path, flags | chance.choice((0, os.O_CLOEXEC))))
    return steps


@pytest.mark.parametrize("names", [False, True], ids=["opens", "names"])
def test_no_alert_is_lost_fuzz(comparison: FilterComparison, likely: Path, names: bool) -> None:
    """Try random rules and random opens; with `names`, later names of the descriptors are compared too."""
    discarded = raised = 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        rules = [f"{OPENS} and ({random_condition(chance, likely)})" for _ in range(chance.randint(1, 3))]
        if names:
            rules.append("evt.type = fchown and fd.name exists")
        comparison.want(*rules)
        steps = random_steps(chance, likely, 300)

        filtered, whole = comparison.act(opens.many, steps, "fchown" if names else "")

        discarded += len(whole.events) - len(filtered.events)
        found = alerts(rules, whole)
        raised += len(found)
        assert found == alerts(rules, filtered), (seed, rules)
    assert discarded > 10 * ROUNDS
    assert raised > 10 * ROUNDS
