import pytest

from mozu.core.model.alert import LEVELS, Severity


def test_every_priority_is_in_the_table() -> None:
    assert set(Severity) == set(LEVELS)


@pytest.mark.parametrize("scale", ["ocsf", "ecs", "cef", "otel"])
def test_what_is_worse_is_never_less_in_any_scale(scale: str) -> None:
    numbers = [getattr(severity.levels, scale) for severity in Severity]
    assert sorted(numbers, reverse=True) == numbers


def test_the_number_is_syslogs() -> None:
    assert [0, 4, 7] == [Severity.EMERGENCY, Severity.WARNING, Severity.DEBUG]
