"""The subject whose budget an act spends."""

from pathlib import Path

from mozu.core.api.responders import AlertProcess
from mozu.core.common.subuids import SubordinateIds
from mozu.core.model.event import Claim, Container
from mozu.core.respond.subject import account_of

USER = 65534
REAL = Container("a" * 64, "docker")


def account(container: Container | None, uid: int = USER, ids: SubordinateIds | None = None) -> str:
    return account_of(AlertProcess(812, uid=uid, container=container), ids or SubordinateIds(Path("/none")))


def made_by(maker: int, number: int = 0, outer: Container | None = None) -> Container:
    return Container(f"{number:064}", "docker", Claim(f"/user.slice/{number}", maker, outer))


def test_a_container_that_root_made_has_one_of_its_own() -> None:
    assert account(REAL) == f"container {'a' * 12}"


def test_who_makes_many_containers_has_one_account() -> None:
    assert {account(made_by(USER, number)) for number in range(24)} == {"user 65534"}


def test_whichever_of_its_users_acts_in_a_container_of_a_user_that_users_account_counts() -> None:
    assert account(made_by(1000), uid=100_999) == "user 1000"


def test_what_is_made_in_a_container_has_that_containers_account() -> None:
    inner = made_by(0, 1, REAL)
    assert {account(inner), account(made_by(100_000, 2, inner))} == {account(REAL)}


def test_where_it_is_not_known_who_made_it_the_user_of_the_process_counts() -> None:
    assert account(made_by(-1)) == "user 65534"


def test_subordinate_ids_are_accounts_of_their_owner(tmp_path: Path) -> None:
    (tmp_path / "subuid").write_text("perch:100000:65536\n1001:165536:65536\nnobody-known:231072:65536\nbroken\n")
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\nperch:x:1000:1000::/home/perch:/bin/sh\n")
    ids = SubordinateIds(tmp_path / "subuid", tmp_path / "passwd")
    assert [ids.owner(uid) for uid in (0, 99_999, 100_000, 165_535, 165_536, 231_072)] == [
        0, 99_999, 1000, 1000, 1001, 231_072,
    ]  # fmt: skip
    assert account(None, uid=100_999, ids=ids) == "user 1000"
