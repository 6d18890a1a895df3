"""The time that each rule takes, by a clock that moves only while certain fields are read."""

from typing import Any

from mozu.core.language.conditions import parse
from mozu.core.language.conditions.generate.function import INDEX_FROM
from mozu.core.language.conditions.generate.measured import MeasuredFunction
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify import simplified
from tests.core.language.conditions.world import event, registry


class SlowFields(dict[str, Any]):
    """Values of fields, some of which take time to read."""

    def __init__(self, values: dict[str, Any], nanoseconds: dict[str, int]) -> None:
        super().__init__(values)
        self._nanoseconds, self.now = nanoseconds, 0

    def get(self, key: str, default: Any = None) -> Any:
        self.now += self._nanoseconds.get(key, 0)
        return super().get(key, default)

    def clock(self) -> int:
        self.now += 10
        return self.now


def spent(
    conditions: list[str], nanoseconds: dict[str, int], kind: type[SlowFields] = SlowFields, **values: Any
) -> dict[int, float]:
    resolver = Resolver(registry(), "syscall", "open")
    formulas = {place: simplified(lower(parse(text)), resolver) for place, text in enumerate(conditions)}
    happened = event(**values)
    happened.data = slow = kind(happened.data, nanoseconds)
    return dict(MeasuredFunction(formulas, resolver, slow.clock)(happened))


def test_a_rule_is_charged_with_its_own_tests_and_not_with_reading_the_clock() -> None:
    conditions = ["proc.name = a", "proc.pname = b"]

    assert {0: 700, 1: 300} == spent(conditions, {"proc.name": 700, "proc.pname": 300}, proc_name="x")


def test_a_test_that_rules_share_is_divided_among_them() -> None:
    conditions = [f"fd.num = 3 and {own}" for own in ("proc.name = a", "proc.pname = b", "proc.cmdline = c")]

    found = spent(conditions, {"fd.num": 900, "proc.name": 700, "proc.cmdline": 50}, fd_num=3)

    assert {0: 1000, 1: 300, 2: 350} == found


def test_rules_behind_a_test_that_fails_are_charged_with_that_test_alone() -> None:
    conditions = [f"fd.num = 3 and {own}" for own in ("proc.name = a", "proc.pname = b")]

    assert {0: 450, 1: 450} == spent(conditions, {"fd.num": 900, "proc.name": 700}, fd_num=4)


def test_a_look_up_is_divided_among_its_rules_and_what_is_left_is_charged_to_the_candidate() -> None:
    conditions = [f"proc.name = name{number} and proc.pid != {number}" for number in range(INDEX_FROM)]

    found = spent(conditions, {"proc.name": 800, "proc.pid": 500}, proc_name="name2")

    part = 800 / INDEX_FROM
    assert {place: part + (500 if place == 2 else 0) for place in range(INDEX_FROM)} == found


def test_reading_a_field_is_charged_to_the_rule_that_reads_it_first() -> None:
    assert {0: 600} == spent(["proc.name = a", "proc.name = b"], {"proc.name": 600}, proc_name="b")


def test_of_two_times_the_shorter_one_counts() -> None:
    class InterruptedOnce(SlowFields):
        def get(self, key: str, default: Any = None) -> Any:
            took, self._nanoseconds[key] = self._nanoseconds.get(key, 0), 700
            self.now += took
            return super(SlowFields, self).get(key, default)

    conditions = ["proc.name = a", "proc.pid = 1"]

    assert {0: 700, 1: 700} == spent(conditions, {"proc.name": 9_000_000, "proc.pid": 900}, InterruptedOnce)
