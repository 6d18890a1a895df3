import json
from pathlib import Path

import pytest

from mozu.plugins.enrichers.containers.cni_results import CniResult, CniResults, first_ipv4

RESULT = '{"cniVersion":"1.0.0","ips":[{"address":"fd00::7/64"},{"address":"10.4.0.7/24"}]}'


def put(folder: Path, container: str, *, network: str = "bridge", result: str = RESULT) -> None:
    text = f'{{"kind": "cniCacheV1", "containerId": {json.dumps(container)}, "result": {result}}}'
    (folder / f"{network}-{container}-eth0").write_text(text)


def test_address_and_answer_of_a_container_are_found_by_any_of_its_ids(tmp_path: Path) -> None:
    put(tmp_path, "default-web1")
    assert CniResult("10.4.0.7", RESULT) == CniResults(tmp_path).find(("default-web1", "web1"))


def test_an_id_that_only_ends_like_it_is_another_container(tmp_path: Path) -> None:
    put(tmp_path, "production-web1")
    assert CniResults(tmp_path).find(("default-web1", "web1")) is None


def test_what_is_half_written_or_absent_counts_as_unknown(tmp_path: Path) -> None:
    (tmp_path / "bridge-web1-eth0").write_text('{"containerId": "web1", "resu')
    assert [None, None] == [CniResults(place).find(("web1",)) for place in (tmp_path, tmp_path / "none")]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["fd00::2/64", "10.4.0.2/24", "10.4.0.3/24"], "10.4.0.2"),
        (["10.4.0.2"], "10.4.0.2"),
        (["", "none", "10.4.0.2/33", "10.4.0.9/32"], "10.4.0.9"),
        (["fd00::2/64"], ""),
        ([], ""),
    ],
)
def test_the_first_ipv4_address_is_returned_without_its_prefix(texts: list[str], expected: str) -> None:
    assert expected == first_ipv4(texts)
