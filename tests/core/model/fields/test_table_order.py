"""Falco's order of descriptors."""

from mozu.core.model.fields.fd.table_order import walked


def test_the_newest_comes_first_in_a_small_table() -> None:
    assert walked(range(13)) == list(reversed(range(13)))


def test_a_full_table_is_dealt_anew_and_keeps_its_oldest_first() -> None:
    assert walked(range(16)) == [15, 14, 13, *range(13)]


def test_numbers_of_one_bucket_stay_together() -> None:
    assert walked([0, 1, 13, 2]) == [2, 1, 13, 0]


def test_every_number_comes_once_however_many_there_are() -> None:
    assert sorted(walked(range(0, 9000, 3))) == list(range(0, 9000, 3))
