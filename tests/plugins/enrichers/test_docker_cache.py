"""What is remembered of containers, and for how long."""

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.docker import cache as book
from mozu.plugins.enrichers.docker.cache import Book


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def metadata(full_id: str, name: str = "") -> ContainerMetadata:
    return ContainerMetadata(full_id=full_id, name=name)


def test_a_container_that_was_learned_is_settled() -> None:
    pages = Book(Clock())
    pages.learn(metadata("a"))
    assert pages.settled("a")


def test_an_id_that_nobody_ever_asked_for_is_not_settled() -> None:
    assert not Book(Clock()).settled("a")


def test_an_id_that_nobody_knows_is_settled_for_a_while() -> None:
    clock = Clock()
    pages = Book(clock)
    pages.doubt("a", 60)
    before = pages.settled("a")
    clock.now += 61
    assert (True, False) == (before, pages.settled("a"))


def test_an_id_that_was_doubted_can_still_be_learned() -> None:
    pages = Book(Clock())
    pages.doubt("a", 60)
    pages.learn(metadata("a", "late"))
    assert pages.get("a") == metadata("a", "late")


def test_a_destroyed_container_is_known_to_its_last_events_and_then_forgotten() -> None:
    clock = Clock()
    pages = Book(clock)
    pages.learn(metadata("a"))
    pages.bury("a")
    before = pages.get("a")
    clock.now += 61
    pages.learn(metadata("b"))
    assert (metadata("a"), None) == (before, pages.get("a"))


def test_news_of_a_destroyed_container_do_not_make_it_live_on() -> None:
    clock = Clock()
    pages = Book(clock)
    pages.learn(metadata("a"))
    pages.bury("a")
    pages.learn(metadata("a", "renamed"))
    clock.now += 61
    pages.learn(metadata("b"))
    assert pages.get("a") is None


def test_a_destroyed_container_is_not_among_the_living() -> None:
    pages = Book(Clock())
    pages.learn(metadata("a"))
    pages.learn(metadata("b"))
    pages.bury("a")
    assert frozenset({"b"}) == pages.ids()


def test_the_book_has_a_last_page() -> None:
    pages = Book(Clock())
    for number in range(book._LIMIT + 10):
        pages.learn(metadata(str(number)))
    assert book._LIMIT == len(pages)


def test_the_dead_give_way_before_the_living() -> None:
    pages = Book(Clock())
    for number in range(book._LIMIT):
        pages.learn(metadata(str(number)))
    pages.bury("7")
    pages.learn(metadata("new"))
    assert (None, metadata("0")) == (pages.get("7"), pages.get("0"))
