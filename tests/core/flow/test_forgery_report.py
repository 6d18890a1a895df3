"""Notices of forged container identities."""

from typing import Any

from mozu.core.flow.forgery_report import ForgeryReport
from mozu.core.model.event import Claim, Container
from mozu.core.model.fields import Forgery, Lookups

USER = 65534
REAL = "a" * 64


class Alerts:
    """An alert pipeline that keeps its notices."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, str, dict[str, Any]]] = []

    def notice(self, rule: str, priority: object, text: str, **fields: Any) -> None:
        self.notices.append((rule, text, fields))


def forged(number: int = 0, maker: int = USER, outer: Container | None = None) -> Forgery:
    claim = Claim(f"/user.slice/{number}/docker-{REAL}.scope", maker, outer)
    return Forgery(Container(REAL, "docker", claim), 812, "cat")


def reported(*found: Forgery) -> list[dict[str, Any]]:
    alerts, lookups = Alerts(), Lookups()
    report = ForgeryReport(alerts, lookups, lambda: 0.0)  # type: ignore[arg-type]
    lookups.forgeries.extend(found)
    report.report()
    return [fields for _, _, fields in alerts.notices]


def test_a_notice_names_the_container_the_cgroup_and_who_made_it() -> None:
    (found,) = reported(forged())
    assert (found["container_id"], found["maker"], found["cgroup"], found["proc_pid"]) == (
        REAL[:12], "user 65534", f"/user.slice/0/docker-{REAL}.scope", 812,
    )  # fmt: skip


def test_of_a_container_that_forges_the_container_is_named() -> None:
    (found,) = reported(forged(maker=0, outer=Container("b" * 64, "docker")))
    assert found["maker"] == f"container {'b' * 12}"


def test_who_forges_many_is_reported_once_a_minute_and_counted() -> None:
    alerts, lookups, now = Alerts(), Lookups(), [0.0]
    report = ForgeryReport(alerts, lookups, lambda: now[0])  # type: ignore[arg-type]
    for at in (0.0, 30.0, 61.0):
        now[0] = at
        lookups.forgeries.extend(map(forged, range(24)))
        report.report()
    assert [fields["more"] for _, _, fields in alerts.notices] == [0, 47]


def test_one_user_hides_no_other() -> None:
    assert {one["maker"] for one in reported(forged(), forged(maker=1000))} == {"user 65534", "user 1000"}
