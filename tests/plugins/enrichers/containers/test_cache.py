"""The container cache: its entries, and how long they are kept."""

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers import cache as container_cache
from mozu.plugins.enrichers.containers.cache import ContainerCache


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def metadata(full_id: str, name: str = "") -> ContainerMetadata:
    return ContainerMetadata(full_id=full_id, name=name)


def test_a_cached_container_is_answered() -> None:
    cache = ContainerCache(Clock())
    cache.put(metadata("a"))
    assert cache.is_answered("a")


def test_an_id_that_was_never_looked_up_is_not_answered() -> None:
    assert not ContainerCache(Clock()).is_answered("a")


def test_an_id_without_metadata_is_in_the_negative_cache_for_a_while() -> None:
    clock = Clock()
    cache = ContainerCache(clock)
    cache.put_negative("a", 60)
    before = cache.is_answered("a")
    clock.now += 61
    assert (True, False) == (before, cache.is_answered("a"))


def test_an_id_in_the_negative_cache_can_still_get_metadata() -> None:
    cache = ContainerCache(Clock())
    cache.put_negative("a", 60)
    cache.put(metadata("a", "late"))
    assert cache.get("a") == metadata("a", "late")


def test_a_destroyed_container_is_known_to_its_last_events_and_then_forgotten() -> None:
    clock = Clock()
    cache = ContainerCache(clock)
    cache.put(metadata("a"))
    cache.expire_soon("a")
    before = cache.get("a")
    clock.now += 61
    cache.put(metadata("b"))
    assert (metadata("a"), None) == (before, cache.get("a"))


def test_news_of_a_destroyed_container_do_not_make_it_live_on() -> None:
    clock = Clock()
    cache = ContainerCache(clock)
    cache.put(metadata("a"))
    cache.expire_soon("a")
    cache.put(metadata("a", "renamed"))
    clock.now += 61
    cache.put(metadata("b"))
    assert cache.get("a") is None


def test_a_destroyed_container_is_not_among_the_living() -> None:
    cache = ContainerCache(Clock())
    cache.put(metadata("a"))
    cache.put(metadata("b"))
    cache.expire_soon("a")
    assert frozenset({"b"}) == cache.ids()


def test_the_cache_is_bounded() -> None:
    cache = ContainerCache(Clock())
    for number in range(container_cache._LIMIT + 10):
        cache.put(metadata(str(number)))
    assert container_cache._LIMIT == len(cache)


def test_destroyed_containers_are_evicted_first() -> None:
    cache = ContainerCache(Clock())
    for number in range(container_cache._LIMIT):
        cache.put(metadata(str(number)))
    cache.expire_soon("7")
    cache.put(metadata("new"))
    assert (None, metadata("0")) == (cache.get("7"), cache.get("0"))


def test_a_name_that_is_used_again_is_not_answered_by_its_first_bearer() -> None:
    clock = Clock()
    cache = ContainerCache(clock)
    cache.put(metadata("web1"))
    cache.expire_soon("web1")
    cache.forget_destroyed("web1")
    before = cache.is_answered("web1")
    cache.put(metadata("web1", "second"))
    clock.now += 61
    cache.put(metadata("b"))
    assert (False, metadata("web1", "second")) == (before, cache.get("web1"))


def test_where_memory_is_short_half_is_forgotten_and_what_has_ended_first() -> None:
    cache = ContainerCache(Clock())
    for full_id in "abcd":
        cache.put(metadata(full_id))
    cache.put_negative("n", 60)
    cache.expire_soon("d")
    assert 3 == cache.shrink()
    assert [False, True, True, False] == [cache.is_answered(full_id) for full_id in "abcd"]
    assert not cache.is_answered("n")
    assert [1, 1, 0] == [cache.shrink() for _ in range(3)]


def test_what_was_looked_up_of_a_container_that_lives_is_not_forgotten() -> None:
    cache = ContainerCache(Clock())
    cache.put(metadata("web1"))
    assert (False, metadata("web1")) == (cache.forget_destroyed("web1"), cache.get("web1"))
