"""An aiokafka that lacks what mozu uses is refused at the start, in one sentence."""

import tomllib
from pathlib import Path
from typing import Any

import aiokafka
import aiokafka.producer.sender
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.producer.message_accumulator import MessageAccumulator
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mozu.core.cli import invoke
from mozu.core.common.kafka.compatibility import SUPPORTED, require_compatible
from tests.support.requirements import ROOT

Patch = pytest.MonkeyPatch


async def _with_a_flag(self: Any, node_id: Any, group: Any = None) -> None: ...


async def _with_one_parameter_more(self: Any, cluster_metadata: Any, topics: Any, force: Any) -> None: ...


def _sets_nothing(self: Any) -> None: ...


def refusal() -> str:
    with pytest.raises(ValueError, match=r"^aiokafka \S+ cannot be used: it lacks ") as caught:
        require_compatible()
    return str(caught.value)


def test_the_installed_version_has_all_that_is_used() -> None:
    require_compatible()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(AIOKafkaClient, "_get_conn"), (AIOKafkaClient, "send"), (MessageAccumulator, "fail_all")],
)
def test_a_method_that_has_gone_is_named(monkeypatch: Patch, owner: type, name: str) -> None:
    monkeypatch.delattr(owner, name)
    assert f"{owner.__name__}.{name} with " in refusal()


@pytest.mark.parametrize(
    ("name", "other"), [("_get_conn", _with_a_flag), ("_metadata_update", _with_one_parameter_more)]
)
def test_a_method_with_other_parameters_is_named(monkeypatch: Patch, name: str, other: object) -> None:
    monkeypatch.setattr(AIOKafkaClient, name, other)
    assert f"AIOKafkaClient.{name} with " in refusal()


@pytest.mark.parametrize(
    ("owner", "first"),
    [(AIOKafkaClient, "_topics"), (aiokafka.AIOKafkaProducer, "client"), (aiokafka.AIOKafkaConsumer, "_client")],
)
def test_an_attribute_that_is_no_longer_set_is_named(monkeypatch: Patch, owner: type, first: str) -> None:
    monkeypatch.setattr(owner, "__init__", _sets_nothing)
    assert f"{owner.__name__}.{first};" in refusal()


def test_a_class_that_has_gone_is_named(monkeypatch: Patch) -> None:
    monkeypatch.delattr(aiokafka.producer.sender, "Sender")
    assert "aiokafka.producer.sender:Sender.sender_task" in refusal()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("sink", "sinks: [kafka: {bootstrap_servers: [localhost:9], topic: alerts}]"),
        ("source", "sources: [kafka: {bootstrap_servers: [localhost:9], topics: [t], group: g}]"),
    ],
)
def test_a_run_ends_with_the_sentence_and_its_component(
    monkeypatch: Patch, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, settings: str
) -> None:
    monkeypatch.delattr(AIOKafkaClient, "_get_conn")
    (tmp_path / "mozu.yaml").write_text(f"{settings}\nenrichers: []\nevaluators: []\n")
    assert invoke(["run", "-c", str(tmp_path / "mozu.yaml")]) == 1
    sentence, last = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"{kind} kafka: aiokafka {aiokafka.__version__} cannot be used: it lacks ")
    assert sentence.endswith(f"; install aiokafka{SUPPORTED}")
    assert last == "mozu: the configuration has 1 mistake"


def test_the_bounds_are_those_of_the_project() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (found,) = [Requirement(text) for text in declared if text.startswith("aiokafka")]
    assert found.specifier == SpecifierSet(SUPPORTED)
