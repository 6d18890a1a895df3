"""Patterns of values, and exceptions from alerts."""

import pytest

from mozu.core.cli.tune.alerts import TunedAlert, comparable
from mozu.core.cli.tune.proposals import Patterns, proposals
from mozu.core.model.value_types import JsonObject


def _proposals(*alerts: dict[str, str]) -> list[tuple[int, str]]:
    found = [TunedAlert("r", values) for values in alerts]
    return [(one.silenced, one.condition) for one in proposals(found, Patterns(found))]


def test_what_all_alerts_have_in_common_is_never_given_up() -> None:
    common = {"proc.name": "cc1", "proc.pname": "gcc", "user.name": "ci", "proc.cwd": "/src"}
    assert [(2, 'proc.cwd = "/src" and proc.name = "cc1" and proc.pname = "gcc" and user.name = "ci"')] == _proposals(
        common, common
    )


def test_a_folder_takes_the_place_of_paths_and_the_root_does_not() -> None:
    one, other = {"fd.name": "/srv/app/a/x", "proc.name": "app"}, {"fd.name": "/srv/app/b/y", "proc.name": "app"}
    assert (2, 'fd.name startswith "/srv/app/" and proc.name = "app"') == _proposals(one, other)[-1]
    apart = {"fd.name": "/etc/x", "proc.name": "app"}
    assert [1] == [silenced for silenced, _ in _proposals(one, apart)]


@pytest.mark.parametrize(
    ("value", "other", "expected"),
    [
        ("/proc/12/maps", "/proc/7/maps", "/proc/*/maps"),
        ("/tmp/pip-x1/a", "/tmp/pip-zz/a", "/tmp/*/a"),
        ("/v/0123456789ab/log", "/v/ba9876543210/log", "/v/*/log"),
        ("/usr/lib/python3.11/x", "/usr/lib/python3.11/x", "/usr/lib/python3.11/x"),
    ],
)
def test_parts_that_vary_become_an_asterisk_and_others_stay(value: str, other: str, expected: str) -> None:
    patterns = Patterns([TunedAlert("r", {"fd.name": value}), TunedAlert("r", {"fd.name": other})])
    assert expected == patterns.of("fd.name", value)[1]


def test_a_value_that_is_a_pattern_itself_is_compared_as_it_is() -> None:
    alerts = [TunedAlert("r", {"fd.name": name}) for name in ("/a/*/1", "/a/*/2")]
    assert ("=", "/a/*/1") == Patterns(alerts).of("fd.name", "/a/*/1")


def test_values_that_are_not_whole_are_not_compared() -> None:
    fields: JsonObject = {
        "proc.name": "sh", "proc.cmdline": "sh -c a\ufffdb", "user.name": "<NA>", "proc.args": "-p [redacted]",
        "evt.type": "openat", "proc.pid": 12, "toupper(proc.name)": "SH", "proc.cwd": "",
    }  # fmt: skip
    assert {"proc.name": "sh"} == comparable(fields)
