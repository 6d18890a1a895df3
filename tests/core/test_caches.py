"""Caches of pure functions, and tables: emptied together, and correct afterwards."""

from mozu.core import caches


def test_a_cached_function_is_called_again_once_everything_is_forgotten() -> None:
    called: list[int] = []

    @caches.cached(2)
    def double(number: int) -> int:
        called.append(number)
        return 2 * number

    assert [2, 2, 4] == [double(1), double(1), double(2)]
    assert caches.empty() >= 2
    assert 2 == double(1)
    assert [1, 2, 1] == called


def test_a_table_is_emptied_as_long_as_it_is_used() -> None:
    table: caches.CacheTable[str, int] = caches.CacheTable()
    table["a"] = 1

    assert caches.empty() >= 1
    assert {} == table
