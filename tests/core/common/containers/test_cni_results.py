import json
from pathlib import Path

from mozu.core.common.containers.cni_results import CniResult, CniResults

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
