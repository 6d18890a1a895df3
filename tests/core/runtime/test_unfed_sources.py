"""Rules on events that no source delivers are reported."""

import pytest

from mozu.core.filter.demand import Demand, Interest
from mozu.core.runtime.config import Config, read
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unfed_sources import configured_sources, unfed_sources


def sentences(sources: str, *wanted: str) -> list[str]:
    config, problems = read(None, (f"sources={sources}",))
    assert isinstance(config, Config)
    assert not problems
    wanted_types = Demand({one: {"*": Interest()} for one in wanted})
    return list(unfed_sources(configured_sources(config, Registry()), wanted_types).values())


@pytest.mark.parametrize("sources", ["[syscalls]", "[ebpf]", "[ptrace]"])
def test_rules_on_an_audit_log_are_unfed_where_system_calls_are_watched(sources: str) -> None:
    assert sentences(sources, "syscall", "k8s_audit") == [
        "no source of the configuration brings events of `k8s_audit`: rules on them never match; "
        "`mozu rules list` names them"
    ]


def test_alerts_of_others_are_no_events() -> None:
    (sentence,) = sentences("[{falco_http: {token: x}}]", "syscall")
    assert sentence.startswith("no source of the configuration brings events of `syscall`")


def test_what_is_not_wanted_by_its_name_may_be_missing() -> None:
    assert sentences("[syscalls]", "syscall", "*") == []


@pytest.mark.parametrize("sources", ["[{replay: {path: x.mozu}}]", "[syscalls, {kafka: {topics: [audit]}}]"])
def test_recordings_and_topics_may_hold_events_of_any_source(sources: str) -> None:
    assert sentences(sources, "syscall", "k8s_audit", "json") == []
