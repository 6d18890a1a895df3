import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from mozu.core.delivery.spool import Spool, SpoolFull
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.support.packing import packed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "siem.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    opened = Spool(path)
    yield opened
    opened.close()


def numbers(spool: Spool, after: int = 0) -> list[int]:
    return [number for number, _ in spool.read(after, 100)]


def test_alerts_are_numbered_from_1_and_read_in_order(spool: Spool) -> None:
    spool.append([packed(alert("a")), packed(alert("b"))])
    assert [(1, "a"), (2, "b")] == [(number, item.form.rule) for number, item in spool.read(0, 10)]


def test_what_has_arrived_is_forgotten_and_its_number_is_never_given_again(spool: Spool) -> None:
    spool.append([packed(alert()), packed(alert())])
    spool.delete([1, 2])
    spool.append([packed(alert())])
    assert [3] == numbers(spool)


def test_numbers_go_on_after_the_file_was_closed(spool: Spool, path: Path) -> None:
    spool.append([packed(alert())])
    spool.delete([1])
    with closing(Spool(path)) as again:
        again.append([packed(alert())])
        assert ([2], spool.epoch) == (numbers(again), again.epoch)


def test_what_is_dropped_by_policy_uses_its_numbers(spool: Spool) -> None:
    assert (1, 3) == spool.skip(3, "full")
    spool.append([packed(alert())])
    assert [4] == numbers(spool)


def test_what_does_not_fit_is_refused_whole(path: Path) -> None:
    with closing(Spool(path, max_bytes=300)) as small:
        small.append([packed(alert())])
        with pytest.raises(SpoolFull):
            small.append([packed(alert())] * 10)
        assert ([1], 1) == (numbers(small), small.last())


def test_mozus_own_notices_have_room_beyond_the_bound(path: Path) -> None:
    notice = packed(replace(alert("Alerts dropped"), source="internal"))
    with closing(Spool(path, max_bytes=300)) as small:
        small.append([packed(alert())])
        small.append([notice] * 10)
        with pytest.raises(SpoolFull):
            small.append([packed(alert()), notice])
        with pytest.raises(SpoolFull):
            small.append([notice] * 30_000)
        assert list(range(1, 12)) == numbers(small)


def test_the_oldest_make_room_where_that_is_the_policy(spool: Spool) -> None:
    spool.append([packed(alert())] * 5)
    assert [(1, 2)] == spool.drop_oldest("full", 2)
    assert [3, 4, 5] == numbers(spool)


def test_a_dead_letter_keeps_its_reason_and_can_be_sent_again(spool: Spool) -> None:
    spool.append([packed(alert("good")), packed(alert("bad"))])
    spool.count_attempt([2])
    spool.dead_letter([(2, "too large")])
    letter = spool.dead()[0]
    assert (2, 1, "too large", "bad") == (letter.sequence, letter.attempts, letter.reason, letter.alert.rule)
    assert 1 == spool.redrive()
    assert ([1, 3], []) == (numbers(spool), spool.dead())


def test_a_dead_letter_that_cannot_be_read_back_hides_no_other(spool: Spool) -> None:
    one = packed(alert())
    spool.append([one, replace(one, body=b"\xc1"), one])
    spool.dead_letter([(number, "refused") for number in (1, 2, 3)])
    assert [1, 3] == [letter.sequence for letter in spool.dead()]
    assert [1] == [letter.sequence for letter in spool.dead(most=1)]


def test_dead_letters_from_a_moment_on_are_found_and_sent_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.append([packed(alert())] * 3)
    for number in (1, 2, 3):
        monkeypatch.setattr(time, "time_ns", lambda number=number: number * 100)
        spool.dead_letter([(number, "refused")])
    assert [(2, 200), (3, 300)] == [(letter.sequence, letter.time) for letter in spool.dead(since=200)]
    assert (2, [4, 5], 1) == (spool.redrive(since=200), numbers(spool), spool.status().dead)


def test_the_status_counts(spool: Spool) -> None:
    spool.append([packed(alert())] * 3)
    spool.delete([1])
    spool.dead_letter([(2, "x")])
    status = spool.status()
    assert (1, 3, 3, 1) == (status.waiting, status.oldest, status.last, status.dead)


def test_the_oldest_is_the_one_that_has_waited_longest_by_the_last_look(spool: Spool) -> None:
    items = [alert() for _ in range(3)]
    for number, item in enumerate(items):
        item.time = 100 - number
    spool.append([packed(item) for item in items])
    seen: list[int | None] = [spool.oldest]
    for gone in ([1], [2, 3]):
        spool.look()
        seen.append(spool.oldest)
        spool.delete(gone)

    assert [None, 100, 99] == seen
    assert spool.oldest is None


def test_an_oldest_alert_that_cannot_be_read_back_has_no_age(spool: Spool) -> None:
    spool.append([replace(packed(alert()), body=b"\xc1")])
    spool.look()

    assert spool.oldest is None


def test_a_file_that_is_no_spool_is_set_aside_and_reported(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"garbage" * 1000)
    with closing(Spool(path)) as spool:
        assert spool.damage is not None
        assert spool.damage.aside is not None
        assert (0, True) == (spool.damage.salvaged, spool.damage.aside.exists())


def test_a_truncated_file_gives_what_still_reads_and_a_new_epoch(path: Path) -> None:
    whole = Spool(path)
    for _ in range(200):
        whole.append([packed(alert(name="x" * 500))])
    epoch = whole.epoch
    whole.close()
    path.write_bytes(path.read_bytes()[:-60_000])
    with closing(Spool(path)) as spool:
        assert spool.damage is not None
        assert epoch != spool.epoch
        assert spool.damage.salvaged == len(spool.read(0, 1000))


def test_the_file_is_for_its_owner_only(spool: Spool, path: Path) -> None:
    spool.append([packed(alert())])
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_file_names_the_version_of_its_tables(spool: Spool) -> None:
    assert [("1",)] == spool._db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchall()


def test_the_bytes_come_back_when_alerts_leave(spool: Spool) -> None:
    spool.append([packed(alert())] * 10)
    spool.delete(range(1, 11))
    assert 0 == spool.size


def test_what_a_refused_batch_had_in_common_is_not_taken_for_that_of_the_next(path: Path) -> None:
    """Check that forms are stored anew: their numbers are reused after the transaction that stored them was rolled
    back.
    """
    with closing(Spool(path, max_bytes=2_000)) as small:
        with pytest.raises(SpoolFull):
            small.append([packed(alert("refused"))] * 100)
        small.append([packed(alert("other"))])
        small.append([packed(alert("refused"))])
        assert ["other", "refused"] == [item.form.rule for _, item in small.read(0, 10)]
    with closing(Spool(path, max_bytes=2_000)) as again:
        assert ["other", "refused"] == [item.form.rule for _, item in again.read(0, 10)]


def test_what_is_dropped_for_more_severe_alerts_is_in_the_file_no_longer(spool: Spool) -> None:
    less = [packed(replace(alert(), priority=Severity.DEBUG)) for _ in range(3)]
    spool.append([*less, packed(replace(alert(), priority=Severity.WARNING))])
    size = spool.size
    dropped = spool.drop_less_severe("full", Severity.WARNING, 1, 0, frozenset())
    assert len(dropped) == 1
    assert sorted([*numbers(spool), dropped[0].number]) == [1, 2, 3, 4]
    assert spool.size < size


def test_nothing_is_dropped_for_alerts_that_are_no_more_severe(spool: Spool) -> None:
    spool.append([packed(replace(alert(), priority=Severity.WARNING)) for _ in range(3)])
    assert [] == spool.drop_less_severe("full", Severity.WARNING, 1, 0, frozenset())
    assert [1, 2, 3] == numbers(spool)


def test_less_severe_alerts_that_come_after_there_were_none_can_be_dropped(spool: Spool) -> None:
    less, more = (packed(replace(alert(), priority=priority)) for priority in (Severity.DEBUG, Severity.WARNING))
    spool.append([more])
    assert [] == spool.drop_less_severe("full", Severity.WARNING, 1, 0, frozenset())
    spool.append([less])
    assert [2] == [one.number for one in spool.drop_less_severe("full", Severity.WARNING, 1 << 20, 0, frozenset())]


def test_the_least_severe_are_dropped_first(spool: Spool) -> None:
    spool.append(
        [packed(replace(alert(), priority=one)) for one in (Severity.NOTICE, Severity.DEBUG, Severity.INFORMATIONAL)]
    )
    dropped = [spool.drop_less_severe("full", Severity.WARNING, 1 << 20, 0, frozenset()) for _ in range(4)]
    assert [[2], [3], [1], []] == [[one.number for one in some] for some in dropped]


@pytest.mark.parametrize(
    ("after", "without", "gone"), [(0, frozenset[int](), 4), (0, frozenset({4}), 3), (4, frozenset[int](), None)]
)
def test_of_a_noisy_rule_the_newest_is_displaced_by_another_rule_and_is_to_be_announced(
    spool: Spool, after: int, without: frozenset[int], gone: int | None
) -> None:
    spool.append([packed(alert("noise"))] * 4)
    stored, refused = spool.displace("full", [packed(alert("rule!"))], after, without)
    left = [number for number in (1, 2, 3, 4) if number != gone]
    dropped = [] if gone is None else [gone]
    assert (dropped, frozenset() if dropped else {0}) == ([one.number for one in stored], refused)
    assert (left, [(number, number, "full") for number in dropped]) == (numbers(spool), spool.unannounced())


def test_alerts_of_mozu_about_itself_are_found_among_the_others(spool: Spool) -> None:
    own = replace(alert("about itself"), source="internal")
    spool.append([packed(alert("a")), packed(own), packed(alert("b")), packed(own)])
    assert [(2, "about itself"), (4, "about itself")] == [(number, one.form.rule) for number, one in spool.notices()]


def test_what_cannot_be_read_back_is_a_dead_letter_and_no_notice(spool: Spool) -> None:
    own = packed(replace(alert("about itself"), source="internal"))
    spool.append([own, replace(own, body=own.body[:-3]), packed(alert())])
    assert [1] == [number for number, _ in spool.notices()]
    assert ([1, 3], [2], [1, 3]) == (numbers(spool), spool.unreadable, numbers(spool))
    status = spool.status()
    assert (2, 1) == (status.waiting, status.dead)
