from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, field_validator

from mozu.core.api import Settings
from mozu.core.api.secret import Secret
from mozu.core.runtime.config import Problems
from mozu.core.runtime.config.reader import parse
from mozu.core.runtime.config.validate import validate


class Tls(Settings):
    ca: Path
    verify: bool = True


class Example(Settings):
    size: int = 1
    topic: str = ""
    fast: bool = False
    mode: Literal["a", "b"] = "a"
    tls: Tls | None = None
    servers: list[Tls] = Field(default_factory=list)
    either: int | list[int] = 0
    by_name: dict[str, Tls] = Field(default_factory=dict)
    password: Secret | None = None
    port: Annotated[int, Field(ge=1)] = 1
    even: int = 0

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("an odd number will not do")
        return value


def faults(text: str, **environment: str) -> list[str]:
    problems = Problems()
    node = parse(text, "f", problems, environment)
    assert node is not None
    assert validate(Example, node, problems, "sink x") is None
    return list(problems.lines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size: soon", "f:1:7: sink x: size must be an integer; found 'soon'"),
        ("size: 1.5", "f:1:7: sink x: size must be an integer; found 1.5"),
        ("size: [1]", "f:1:7: sink x: size must be an integer; found a list"),
        ("size:", "f:1:6: sink x: size must be an integer; found nothing"),
        ("topic: 5", "f:1:8: sink x: topic must be text; write it in quotes"),
        ("fast: maybe", "f:1:7: sink x: fast must be true or false; found 'maybe'"),
        ("mode: c", "f:1:7: sink x: mode must be a or b; found 'c'"),
        ("tls: x", "f:1:6: sink x: tls must be a mapping; found 'x'"),
        ("tls: {}", "f:1:6: sink x: the setting tls.ca is missing"),
        ("servers: {}", "f:1:10: sink x: servers must be a list; found a mapping"),
        ("servers:\n  - {ca: x, verfy: no}", "f:2:13: sink x: unknown setting servers.0.verfy; did you mean 'verify'?"),
        ("by_name: {a: {verfy: no, ca: y}}", "f:1:15: sink x: unknown setting by_name.a.verfy; did you mean 'verify'?"),
        ("either: x", "f:1:9: sink x: either must be an integer; found 'x' or must be a list; found 'x'"),
        ("port: 0", "f:1:7: sink x: port must be greater than or equal to 1; found 0"),
        ("even: 3", "f:1:7: sink x: even an odd number will not do"),
        ("sise: 3", "f:1:1: sink x: unknown setting sise; did you mean 'size'?"),
        ("nothing_like_it: 3", "f:1:1: sink x: unknown setting nothing_like_it"),
    ],
)
def test_a_mistake_is_reported_where_it_stands(text: str, expected: str) -> None:
    assert faults(text) == [expected]


def test_what_is_secret_is_not_quoted() -> None:
    assert faults("password: [hunter2]") == ["f:1:11: sink x: password must be text; found a list"]
    assert "12345" not in faults("password: 12345")[0]


def test_what_came_from_the_environment_is_not_quoted() -> None:
    assert faults("size: ${X}", X="hunter2") == ["f:1:7: sink x: size must be an integer"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fast: on", {"fast": True}),
        ("size: '3'", {"size": 3}),
        ("either: [1]", {"either": [1]}),
    ],
)
def test_what_can_only_mean_one_thing_is_accepted(text: str, expected: dict[str, Any]) -> None:
    problems = Problems()
    node = parse(text, "f", problems)
    assert node is not None
    found = validate(Example, node, problems, "sink x")
    assert found is not None
    assert found.model_dump(exclude_unset=True) == expected


def test_numbers_from_the_environment_fit_settings_that_are_numbers() -> None:
    problems = Problems()
    node = parse("size: ${X}", "f", problems, {"X": "12"})
    assert node is not None
    found = validate(Example, node, problems, "sink x")
    assert found is not None
    assert found.size == 12
